namespace ZeroOS.Tests.Repository;

/// <summary>The arrows between the folders of a project are those of this table, and they have no circle.</summary>
public class FolderGraphTests
{
    // A folder may use those behind its arrow; (root) is what lies in the project's folder itself. A folder inside a folder counts as its parent.
    private const string Table = """
        Contracts
          Bus -> Deployments Farm Guest Release
          Guest -> Deployments
          Release -> Deployments
        Linux
          Devices -> (root) Files Mounts
          Events -> (root) Files Libc
          Files -> (root) Libc
          Libc -> (root)
          Logging -> Files Terminals
          Memory -> (root) Files Libc
          Mounts -> (root) Files Libc
          Netfilter -> (root) Netlink
          Netlink -> (root) Files Libc
          NetworkNamespaces -> (root) Files Libc Mounts Netfilter Netlink
          Power -> (root) Libc
          Processes -> (root) Files Libc Mounts Security
          Rings -> (root) Events Files Libc Memory
          Security -> (root) Libc
          Signals -> (root) Files Libc
          Sockets -> (root) Files Libc Netlink
          Taps -> (root) Files
          Terminals -> (root) Files
          Time -> (root) Libc
        Formats
          Fat -> Streams
          Gpt -> Streams
          Pe -> (root) Tpm
          Tar -> (root)
          Tpm -> (root)
          Zstd -> Streams
        Bus
          Client -> Envelopes Json Keys Messages Sessions
          Envelopes -> Json Keys Sodium
          Farm -> Envelopes Json Keys Release Sodium
          Gates -> Envelopes Keys Messages Sodium
          Keys -> Json Sodium
          Messages -> Envelopes Json Keys Sodium
          Release -> Envelopes Json Keys
          Serving -> Gates Json Keys Messages
          Sessions -> Sodium
        Oci
          Build -> (root) Layout Registry
          Layout -> (root)
          Pull -> (root) Build Layout Registry
        Init
          (root) -> Jail
        Engine
          (root) -> Admission Deployments Handlers Kinds Logs Reconciling Store
          Admission -> Store
          Deployments -> Admission Kinds Store
          Handlers -> Admission Deployments Kinds Logs Reconciling Store
          Kinds -> Admission Reconciling Store
          Logs -> Store
          Reconciling -> Admission Logs Store
        Vmm
          (root) -> Boot Control Cpu Devices Events Kvm Memory Pci Sandbox Virtio
          Boot -> Memory
          Control -> Events
          Cpu -> Boot Kvm Memory
          Devices -> Control Cpu Events Memory Virtio
          Pci -> Boot Cpu Kvm
          Sandbox -> Devices Kvm
          Virtio -> Cpu Events Memory Pci
        Guest
          (root) -> Boot Workload
          Boot -> Disks Health Network Node Output Sessions Setup Users Workload
          Disks -> Setup Users
          Network -> Setup
          Health -> Setup Workload
          Node -> Health Output Setup
          Sessions -> Node Output Setup Workload
          Users -> Setup
          Workload -> Disks Output Setup Users
        Host
          Guests -> Loops
          Machines -> Guests Loops Processes
        Images
          Store -> Fetch
        Client
          Attestation -> (root)
          Config -> (root) Attestation
          Deploying -> (root) Config Yaml
          Forwarding -> (root)
          Yaml -> (root)
        Media
          Flash -> (root) SystemImage
          Serve -> (root) SystemImage
          SystemImage -> (root)
        Docker
          (root) -> Http Nouns
          Creation -> Http Images Json Node
          Http -> Json
          Images -> Http Json
          Node -> Http Json
          Nouns -> Creation Http Images Json Node Ports
          Ports -> Http Node
        Node
          (root) -> Attestation Bus Disks Doors Farm Identity Screen Sessions Update
          Bus -> Doors Sessions
          Disks -> Farm
          Farm -> Identity
          Update -> Farm Identity
        Cli
          (root) -> Output Sessions Verbs
          Sessions -> Output
          Verbs -> Output Sessions
        """;

    private static readonly Dictionary<string, Dictionary<string, string[]>> s_allowed = Parse();

    public static TheoryData<string> Projects => [.. s_allowed.Keys];

    [Theory]
    [MemberData(nameof(Projects))]
    public void Folder_uses_only_what_the_table_allows(string project)
    {
        Dictionary<string, string[]> allowed = s_allowed[project];
        Assert.Empty(FolderGraph.Of(project)
            .Where(a => !allowed.GetValueOrDefault(a.Key.From, []).Contains(a.Key.To))
            .Select(a => $"{a.Key.From} -> {a.Key.To}: {a.Value}"));
    }

    [Theory]
    [MemberData(nameof(Projects))]
    public void Table_has_no_circle(string project)
    {
        Dictionary<string, string[]> arrows = s_allowed[project];
        HashSet<string> done = [];
        foreach (string folder in arrows.Keys)
            Visit(folder, []);

        void Visit(string folder, IReadOnlyList<string> path)
        {
            Assert.False(path.Contains(folder), $"{project}: {string.Join(" -> ", path)} -> {folder}");
            if (done.Contains(folder))
                return;
            foreach (string next in arrows.GetValueOrDefault(folder, []))
                Visit(next, [.. path, folder]);
            done.Add(folder);
        }
    }

    private static Dictionary<string, Dictionary<string, string[]>> Parse()
    {
        Dictionary<string, Dictionary<string, string[]>> projects = [];
        Dictionary<string, string[]> folders = [];
        foreach (string line in Table.Split('\n', StringSplitOptions.RemoveEmptyEntries))
        {
            if (line.Split(" -> ") is [string from, string to])
                folders.Add(from.Trim(), to.Split(' '));
            else
                projects.Add(line.Trim(), folders = []);
        }
        return projects;
    }
}
