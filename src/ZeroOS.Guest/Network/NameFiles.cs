using System.Text;

using ZeroOS.Contracts.Guest;
using ZeroOS.Linux;

namespace ZeroOS.Guest.Network;

/// <summary>/etc/hostname, /etc/hosts and /etc/resolv.conf: written on a tmpfs and shown over the image's, whose own stay as they are.</summary>
internal static class NameFiles
{
    private const string Base = "/run/names";

    internal static void Mount(GuestSpec spec, string rootPath)
    {
        Mounts.MakeDirectory(Base);
        using RootedDirectory root = new(rootPath);
        Show(root, "hostname", spec.Hostname + "\n");
        Show(root, "hosts", Hosts(spec));
        Show(root, "resolv.conf", Resolvers(spec));
    }

    /// <summary>The lines every host has, the guest's own name at its first address, then what the spec adds.</summary>
    internal static string Hosts(GuestSpec spec)
    {
        StringBuilder lines = new("127.0.0.1\tlocalhost\n::1\tlocalhost ip6-localhost ip6-loopback\n");
        string own = spec.Nics.SelectMany(n => n.Addresses).FirstOrDefault("127.0.1.1").Split('/')[0];
        lines.Append(own).Append('\t').Append(spec.Hostname);
        // A name with a domain is found by its first part too.
        if (spec.Hostname.IndexOf('.', StringComparison.Ordinal) is > 0 and int dot)
            lines.Append('\t').Append(spec.Hostname.AsSpan(0, dot));
        lines.Append('\n');
        foreach (string line in spec.Hosts)
            lines.Append(line).Append('\n');
        return lines.ToString();
    }

    /// <summary>Servers, then search domains and options where there are some (resolv.conf(5)).</summary>
    internal static string Resolvers(GuestSpec spec)
    {
        StringBuilder lines = new();
        foreach (string server in spec.Resolvers)
            lines.Append("nameserver ").Append(server).Append('\n');
        if (spec.Search.Count > 0)
            lines.Append("search ").AppendJoin(' ', spec.Search).Append('\n');
        if (spec.ResolverOptions.Count > 0)
            lines.Append("options ").AppendJoin(' ', spec.ResolverOptions).Append('\n');
        return lines.ToString();
    }

    private static void Show(RootedDirectory root, string name, string content)
    {
        string file = $"{Base}/{name}";
        File.WriteAllText(file, content);
        FileEntry.SetMode(file, Mode.ReadableByAll);
        using FileDescriptor target = root.MakeFile("/etc/" + name);
        Mounts.Bind(file, $"/proc/self/fd/{target.Number}");
    }
}
