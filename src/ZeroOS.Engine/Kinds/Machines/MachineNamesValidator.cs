using System.Text;

using ZeroOS.Contracts.Deployments;
using ZeroOS.Engine.Admission;

namespace ZeroOS.Engine.Kinds.Machines;

/// <summary>Checks what a deployment says about a machine's own name, its labels, and the names and groups that its program finds.</summary>
internal static class MachineNamesValidator
{
    /// <summary>Labels of one machine at most.</summary>
    public const int MaxLabels = 128;

    /// <summary>Bytes of all names and values of labels at most.</summary>
    public const int MaxLabelBytes = 16 * 1024;

    /// <summary>Additional lines of /etc/hosts at most.</summary>
    public const int MaxExtraHosts = 64;

    /// <summary>Name servers at most.</summary>
    public const int MaxServers = 8;

    /// <summary>Search domains and resolver options at most, of each.</summary>
    public const int MaxResolverWords = 16;

    /// <summary>Additional groups at most.</summary>
    public const int MaxGroups = 32;

    private const int MaxHostname = 64; // of sethostname(2)

    /// <summary>Checks one machine; <paramref name="path"/> is its data's place.</summary>
    public static void Check(string path, ZmachineData data)
    {
        if (data.Hostname is { } hostname && !(hostname.Length <= MaxHostname && HostNames.IsName(hostname)))
            throw Refuse.Invalid($"{path}.hostname", $"a host name has 1 to {MaxHostname} letters, digits, hyphens, underscores and inner dots");
        CheckLabels($"{path}.labels", data.Labels ?? new Dictionary<string, string>());
        CheckExtraHosts($"{path}.extraHosts", data);
        CheckDns($"{path}.dns", data.Dns ?? new MachineDns());
        Check($"{path}.groups", data.Groups, MaxGroups, IsGroup, "a group is a name or a number");
    }

    private static void CheckLabels(string path, IReadOnlyDictionary<string, string> labels)
    {
        if (labels.Count > MaxLabels)
            throw Refuse.Invalid(path, $"a machine has at most {MaxLabels} labels");
        if (labels.Keys.Any(k => k.Length == 0 || MachineValidator.HasControl(k)))
            throw Refuse.Invalid(path, "a label's name is not empty and has no control characters");
        if (labels.Sum(l => (long)Encoding.UTF8.GetByteCount(l.Key) + Encoding.UTF8.GetByteCount(l.Value)) > MaxLabelBytes)
            throw Refuse.Invalid(path, "labels have at most 16KiB together");
    }

    private static void CheckExtraHosts(string path, ZmachineData data)
    {
        Check(path, data.ExtraHosts, MaxExtraHosts, h => ExtraHost.TryParse(h, out _), "a line is NAME:ADDRESS with an IPv4 or IPv6 address or host-gateway");
        int gateway = (data.ExtraHosts ?? []).ToList().FindIndex(h => ExtraHost.TryParse(h, out ExtraHost host) && host.IsGateway);
        if (gateway >= 0 && data.Networks.Count == 0)
            throw Refuse.Invalid($"{path}[{gateway}]", "a machine without a network has no gateway; give an address");
    }

    private static void CheckDns(string path, MachineDns dns)
    {
        if (dns.Servers is { Count: 0 })
            throw Refuse.Invalid($"{path}.servers", "at least one; leave them out for the node's own");
        Check($"{path}.servers", dns.Servers, MaxServers, HostNames.IsAddress, "a name server is an IPv4 or IPv6 address");
        Check($"{path}.search", dns.Search, MaxResolverWords, s => s == "." || HostNames.IsName(s), "a search domain is a name such as example.org");
        Check($"{path}.options", dns.Options, MaxResolverWords, IsOption, "an option is a word of resolv.conf such as ndots:2");
    }

    private static void Check(string path, IReadOnlyList<string>? words, int most, Func<string, bool> isGood, string rule)
    {
        if (words is null)
            return;
        if (words.Count > most)
            throw Refuse.Invalid(path, $"at most {most} elements");
        for (int i = 0; i < words.Count; i++)
        {
            if (!isGood(words[i]))
                throw Refuse.Invalid($"{path}[{i}]", rule);
        }
    }

    private static bool IsGroup(string group) => !group.Contains(':') && MachineValidator.IsUser(group);

    private static bool IsOption(string option) =>
        option.Length is >= 1 and <= 64 && option.All(c => char.IsAsciiLetterLower(c) || char.IsAsciiDigit(c) || c is ':' or '-' or '_');
}
