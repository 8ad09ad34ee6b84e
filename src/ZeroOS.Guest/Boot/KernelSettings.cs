using ZeroOS.Guest.Setup;
using ZeroOS.Linux;

namespace ZeroOS.Guest.Boot;

/// <summary>Settings of the guest's kernel below /proc/sys: what programs expect of a host of containers, then what the deployment says.</summary>
internal static class KernelSettings
{
    private const string Folder = "/proc/sys";

    private static readonly (string File, string Value)[] s_usual =
    [
        ("vm/max_map_count", "262144"),                                 // Elasticsearch does not start with less
        ("vm/overcommit_memory", "1"),                                  // Redis and others that fork a large process to save it
        ("net/ipv4/ip_unprivileged_port_start", "0"),                   // as Docker: the ports are the machine's own
        ("net/ipv4/ping_group_range", "0 2147483647"),                  // as Docker: ping without capabilities
    ];

    /// <summary>Writes all of them; in a name a dot is a slash.</summary>
    /// <exception cref="SetupException">One of the deployment's is not there, or the kernel refuses its value.</exception>
    internal static void Write(IReadOnlyDictionary<string, string> wanted, string folder = Folder)
    {
        using RootedDirectory settings = new(folder);
        foreach ((string file, string value) in s_usual)
            _ = TryWrite(settings, file, value);
        foreach ((string name, string value) in wanted)
        {
            if (TryWrite(settings, name.Replace('.', '/'), value) is var errno && errno != Errno.None)
                throw new SetupException("sysctls", $"{name} cannot be \"{value}\": {errno}");
        }
    }

    private static Errno TryWrite(RootedDirectory settings, string file, string value)
    {
        using FileDescriptor? setting = settings.TryOpen(file, OpenFlags.WriteOnly, 0, out Errno errno);
        return setting?.TryWrite(System.Text.Encoding.UTF8.GetBytes(value), out _) ?? errno;
    }
}
