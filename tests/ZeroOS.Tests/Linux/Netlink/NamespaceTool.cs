using ZeroOS.Linux.Netlink;
using ZeroOS.Linux.NetworkNamespaces;
using ZeroOS.Tests.Shared;

namespace ZeroOS.Tests.Linux.Netlink;

/// <summary>Runs the system's own tools inside a namespace: the independent judges of what we told the kernel.</summary>
internal static class NamespaceTool
{
    /// <summary>Why network namespaces cannot be made here, or null.</summary>
    public static string? Missing { get; } = Probe();

    public static string Run(NetworkNamespace space, string program, params string[] arguments) =>
        space.Run(() => ProgramRun.Of(program, arguments).Succeeded().Said);

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
