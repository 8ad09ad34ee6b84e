using ZeroOS.Engine.Admission;
using ZeroOS.Workloads;

namespace ZeroOS.Engine.Kinds.Machines;

/// <summary>
/// Lines of a machine's /etc/hosts for the other machines of its networks. A machine of the same deployment has its own name there, one of another deployment
/// "machine.deployment"; each has its aliases besides.
/// </summary>
internal static class HostLines
{
    /// <summary>Bytes of all lines at most; those of other deployments that do not fit are left out.</summary>
    public const int MaxBytes = 64 * 1024;

    /// <summary>The lines of one machine among all that its tenant wants, its own deployment's first.</summary>
    public static IReadOnlyList<string> Of(WantedMachine machine, IEnumerable<WantedMachine> all)
    {
        HashSet<WorkloadId> mine = [.. machine.Cards.Select(c => machine.Id.Named(c.Network))];
        List<string> lines = [];
        int bytes = 0;
        foreach (WantedMachine other in all.Where(o => o.Id != machine.Id).OrderBy(o => o.Id.Deployment != machine.Id.Deployment)
            .ThenBy(o => o.Id.ToString(), StringComparer.Ordinal))
        {
            string name = other.Id.Deployment == machine.Id.Deployment ? other.Id.Name : $"{other.Id.Name}.{other.Id.Deployment}";
            foreach ((string network, uint address) in other.Cards.Where(c => mine.Contains(other.Id.Named(c.Network))).OrderBy(c => c.Address))
            {
                IEnumerable<string> aliases = other.Machine.Data.Networks.Single(n => n.Network == network).Aliases ?? [];
                string line = string.Join(' ', aliases.Prepend(name).Prepend(Ipv4Range.Text(address)).Distinct());
                if ((bytes += line.Length + 1) > MaxBytes)
                    return lines;
                lines.Add(line);
            }
        }
        return lines;
    }
}
