using System.Diagnostics;

using ZeroOS.Linux.Netlink;
using ZeroOS.Linux.NetworkNamespaces;

namespace ZeroOS.Tests.Linux.Netlink;

/// <summary>Runs the system's own tools inside a namespace: the independent judges of what we told the kernel.</summary>
internal static class NamespaceTool
{
    /// <summary>Why network namespaces cannot be made here, or null.</summary>
    public static string? Missing { get; } = Probe();

    public static string Run(NetworkNamespace space, string program, params string[] arguments) => space.Run(() =>
    {
        (int code, string output) = Try(program, arguments);
        return code == 0 ? output : throw new InvalidOperationException($"{program} {string.Join(' ', arguments)}: exit {code}: {output}");
    });

    public static (int Code, string Output) Try(string program, params string[] arguments)
    {
        ProcessStartInfo start = new(program) { RedirectStandardOutput = true, RedirectStandardError = true };
        foreach (string argument in arguments)
            start.ArgumentList.Add(argument);
        using Process process = Process.Start(start)!;
        Task<string> errors = process.StandardError.ReadToEndAsync();
        string output = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        return (process.ExitCode, output + errors.Result);
    }

    private static string? Probe()
    {
        try
        {
            using NetworkNamespace space = NetworkNamespace.Create("probe");
            space.Route.CreateVeth("a", "b");
            return File.Exists("/usr/sbin/nft") && File.Exists("/dev/net/tun") ? null : "no nft tool, or no /dev/net/tun";
        }
        catch (Exception e)
        {
            return $"no network namespaces here: {e.Message}";
        }
    }
}
