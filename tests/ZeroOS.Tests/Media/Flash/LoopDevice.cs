using System.Diagnostics;

namespace ZeroOS.Tests.Media.Flash;

/// <summary>A real block device over a file, by losetup.</summary>
internal sealed class LoopDevice : IDisposable
{
    private LoopDevice(string path) => Path = path;

    /// <summary>/dev/loopN.</summary>
    public string Path { get; }

    /// <summary>Makes one; a machine that cannot skips the test.</summary>
    public static LoopDevice Make(string file, long bytes)
    {
        Skip.IfNot(Environment.IsPrivilegedProcess, "loop devices need root");
        Skip.IfNot(File.Exists("/dev/loop-control") && File.Exists("/usr/sbin/losetup"), "no loop devices here");
        using (FileStream stream = File.Create(file))
            stream.SetLength(bytes);
        return new LoopDevice(Tool("losetup", "--find", "--show", file).Trim());
    }

    /// <summary>Runs a program that must succeed; the answer is what it said.</summary>
    public static string Tool(string program, params string[] arguments)
    {
        using Process process = Process.Start(new ProcessStartInfo(program, arguments) { RedirectStandardOutput = true, RedirectStandardError = true })!;
        Task<string> error = process.StandardError.ReadToEndAsync();
        string output = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        Assert.True(process.ExitCode == 0, $"{program} {string.Join(' ', arguments)}: {error.Result}{output}");
        return output;
    }

    public void Dispose() => Tool("losetup", "--detach", Path);
}
