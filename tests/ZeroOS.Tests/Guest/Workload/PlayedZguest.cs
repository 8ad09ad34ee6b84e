using System.Globalization;

using ZeroOS.Guest.Workload;
using ZeroOS.Linux;

namespace ZeroOS.Tests.Guest.Workload;

/// <summary>Children as zguest starts them; zguest itself is run by the installed runtime, not as the native program.</summary>
internal static class PlayedZguest
{
    /// <summary>Whether there is one to run.</summary>
    public static bool IsThere => File.Exists(Program);

    private static string Program => Path.Combine(AppContext.BaseDirectory, "zguest.dll");

    /// <summary>
    /// Starts zguest with the arguments of <paramref name="start"/>; a script in <paramref name="directory"/> tells the runtime how to find itself.
    /// <paramref name="prefix"/> is what the shell says before it.
    /// </summary>
    public static Child Spawn(ChildStart start, string directory, string prefix = "exec")
    {
        string script = $"{directory}/zguest-{Guid.NewGuid():n}", runtime = script + ".json";
        File.WriteAllText(runtime, """{"runtimeOptions":{"framework":{"name":"Microsoft.NETCore.App","version":"10.0.0"},"rollForward":"Major"}}""");
        File.WriteAllText(script, string.Create(CultureInfo.InvariantCulture, $"""
            #!/bin/sh
            {prefix} dotnet exec --runtimeconfig {runtime} --depsfile {Path.ChangeExtension(typeof(PlayedZguest).Assembly.Location, "deps.json")} \
              {Program} "$@"

            """));
        File.SetUnixFileMode(script, (UnixFileMode)0x1ED);
        string[] environment = ["DOTNET_EnableDiagnostics=0", .. ((string[])["PATH", "HOME", "DOTNET_ROOT"])
            .Where(n => Environment.GetEnvironmentVariable(n) is not null).Select(n => $"{n}={Environment.GetEnvironmentVariable(n)}")];
        return Spawn(start with { Path = script, Environment = environment });
    }

    /// <summary>Each child has a thread that waits for it: the test must not reap what the runtime started.</summary>
    public static Child Spawn(ChildStart start)
    {
        int pid = ChildProcess.Spawn(start);
        Child child = new(pid);
        new Thread(() =>
        {
            if (ChildProcess.TryWait(pid, out ProcessExit exit, leave: true) != Errno.None)
                return;
            child.End(exit);
            _ = ChildProcess.TryWait(pid, out _);
        })
        { IsBackground = true }.Start();
        return child;
    }
}
