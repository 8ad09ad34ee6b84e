using ZeroOS.Client;
using ZeroOS.Client.Config;
using ZeroOS.Docker.Images;
using ZeroOS.Docker.Node;
using ZeroOS.Docker.Ports;

namespace ZeroOS.Docker.Nouns;

/// <summary>Docker's nouns over one node.</summary>
internal sealed class DockerApi
{
    /// <summary>Over a node that <paramref name="connect"/> makes clients of.</summary>
    public DockerApi(Func<NodeClient> connect, Registries registries, string nodeName, Action<string> complain)
    {
        Node = new NodePool(connect);
        Mirror = new Mirror(Node);
        Changes = new Changes(Node, Mirror);
        Attachments = new Attachments(Mirror);
        Removal = new AutoRemoval(Node, Mirror, Attachments);
        Ports = new PortListeners(Node, Mirror, Changes, complain);
        Store = new ImageStore(registries);
        (Containers, Lives, Output, Exec) = (new Containers(this), new ContainerLives(this), new ContainerOutput(this), new Exec(this));
        (Archives, Usage, Stats) = (new Archives(this), new Usage(Node), new ContainerStats(this));
        Processes = new ContainerProcesses(this);
        (Images, Networks, Volumes, Events, System) = (new DockerImages(this), new Networks(this), new Volumes(this), new DockerEvents(this),
            new DockerSystem(this, nodeName));
    }

    /// <summary>The node.</summary>
    public NodePool Node { get; }

    /// <summary>What the tenant has there.</summary>
    public Mirror Mirror { get; }

    /// <summary>Changes it.</summary>
    public Changes Changes { get; }

    /// <summary>Who reads output.</summary>
    public Attachments Attachments { get; }

    /// <summary>Who looks at their terminals.</summary>
    public Terminals Terminals { get; } = new();

    /// <summary>Removes what was created with --rm.</summary>
    public AutoRemoval Removal { get; }

    /// <summary>Listens for them on this computer.</summary>
    public PortListeners Ports { get; }

    /// <summary>Watches what containers use.</summary>
    public Usage Usage { get; }

    /// <summary>Finds images.</summary>
    public ImageStore Store { get; }

    /// <summary>Creates, shows and removes containers.</summary>
    public Containers Containers { get; }

    /// <summary>Starts and stops them.</summary>
    public ContainerLives Lives { get; }

    /// <summary>What they say.</summary>
    public ContainerOutput Output { get; }

    /// <summary>Second programs in them.</summary>
    public Exec Exec { get; }

    /// <summary>Files of them.</summary>
    public Archives Archives { get; }

    /// <summary>What they use.</summary>
    public ContainerStats Stats { get; }

    /// <summary>What runs in them.</summary>
    public ContainerProcesses Processes { get; }

    /// <summary>Images.</summary>
    public DockerImages Images { get; }

    /// <summary>Networks.</summary>
    public Networks Networks { get; }

    /// <summary>Volumes.</summary>
    public Volumes Volumes { get; }

    /// <summary>The stream of events.</summary>
    public DockerEvents Events { get; }

    /// <summary>The node as Docker's engine.</summary>
    public DockerSystem System { get; }
}
