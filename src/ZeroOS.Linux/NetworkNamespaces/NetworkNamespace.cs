using System.Runtime.ExceptionServices;

using ZeroOS.Linux.Netfilter;
using ZeroOS.Linux.Netlink;

namespace ZeroOS.Linux.NetworkNamespaces;

/// <summary>
/// A network namespace (network_namespaces(7)): held by its descriptor, and by a bind mount where it must outlive the process. Sockets
/// stay in the namespace of the thread that made them, so its netlink sockets are opened inside once and used from anywhere.
/// </summary>
public sealed class NetworkNamespace : IDisposable
{
    private const string OfThisThread = "/proc/thread-self/ns/net";
    private readonly Lazy<RouteSocket> _route;
    private readonly Lazy<NftSocket> _nft;
    private readonly Lazy<ConntrackSocket> _connections;

    private NetworkNamespace(FileDescriptor descriptor, string name)
    {
        Descriptor = descriptor;
        Name = name;
        _route = new Lazy<RouteSocket>(() => Run(() => new RouteSocket()));
        _nft = new Lazy<NftSocket>(() => Run(() => new NftSocket()));
        _connections = new Lazy<ConntrackSocket>(() => Run(() => new ConntrackSocket()));
    }

    /// <summary>The descriptor, for setns(2) and IFLA_NET_NS_FD.</summary>
    public FileDescriptor Descriptor { get; }

    /// <summary>For messages.</summary>
    public string Name { get; }

    /// <summary>Its links, addresses and routes.</summary>
    public RouteSocket Route => _route.Value;

    /// <summary>Its firewall.</summary>
    public NftSocket Nft => _nft.Value;

    /// <summary>The connections it remembers.</summary>
    public ConntrackSocket Connections => _connections.Value;

    /// <summary>The namespace of the calling thread.</summary>
    public static NetworkNamespace Current() => new(FileDescriptor.Open(OfThisThread, OpenFlags.ReadOnly), "current");

    /// <summary>A new namespace that goes when its last descriptor, process and socket is gone.</summary>
    public static NetworkNamespace Create(string name)
    {
        FileDescriptor? descriptor = null;
        OnThread(name, () =>
        {
            Unshare(name);
            descriptor = FileDescriptor.Open(OfThisThread, OpenFlags.ReadOnly);
        });
        return new NetworkNamespace(descriptor!, name);
    }

    /// <summary>
    /// The namespace kept at <paramref name="path"/>, made there if it is not: a file with the namespace mounted over it, which outlives this process.
    /// </summary>
    public static NetworkNamespace OpenOrCreate(string path)
    {
        string name = Path.GetFileName(path);
        if (Open(path) is { } kept)
            return kept;
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        FileDescriptor.Open(path, OpenFlags.ReadOnly | OpenFlags.Create, 0x100).Dispose();
        OnThread(name, () =>
        {
            Unshare(name);
            Mounts.Bind(OfThisThread, path);
        });
        return Open(path) ?? throw new LinuxException(Errno.ENOENT, "mount namespace", path);
    }

    /// <summary>
    /// The namespace kept at <paramref name="path"/>, or null: also for the empty file that a crash between the two steps of making it leaves.
    /// </summary>
    public static NetworkNamespace? Open(string path)
    {
        const nuint NS_GET_NSTYPE = 0xb703;
        FileDescriptor? descriptor = FileDescriptor.TryOpen(path, OpenFlags.ReadOnly, 0, out _);
        if (descriptor is null)
            return null;
        if (descriptor.Ioctl(NS_GET_NSTYPE, 0) == CLONE_NEWNET)
            return new NetworkNamespace(descriptor, Path.GetFileName(path));
        descriptor.Dispose();
        return null;
    }

    /// <summary>Takes away what keeps the namespace at <paramref name="path"/>; nothing there is no error.</summary>
    public static void Forget(string path)
    {
        if (!File.Exists(path))
            return;
        _ = Mounts.TryUnmount(path, detach: true);
        File.Delete(path);
    }

    /// <summary>Runs <paramref name="action"/> on a thread of its own inside the namespace.</summary>
    public void Run(Action action) => OnThread(Name, () =>
    {
        Enter();
        action();
    });

    /// <summary>Runs <paramref name="function"/> on a thread of its own inside the namespace.</summary>
    public T Run<T>(Func<T> function)
    {
        T result = default!;
        Run(() => { result = function(); });
        return result;
    }

    /// <summary>Moves the calling thread, which its owner must not share, into the namespace for good.</summary>
    public void Enter()
    {
        if (setns(Descriptor.Number, CLONE_NEWNET) != 0)
            throw new LinuxException(Libc.LastError, "setns", Name);
    }

    /// <summary>Sets net.<paramref name="key"/> of this namespace ("ipv4.ip_forward").</summary>
    public void SetSysctl(string key, string value) => SetSysctls([(key, value)]);

    /// <summary>Sets several at once; the part of a key that names an interface may hold no dot.</summary>
    public void SetSysctls(IReadOnlyList<(string Key, string Value)> settings) => Run(() =>
    {
        foreach ((string key, string value) in settings)
            KernelFile.Write($"/proc/sys/net/{key.Replace('.', '/')}", value);
    });

    /// <summary>
    /// As <see cref="SetSysctls"/>, for what protects where it exists: a key that this kernel lacks, or lets only the first namespace change, is passed over.
    /// </summary>
    public void SetSysctlsIfThere(IReadOnlyList<(string Key, string Value)> settings) => Run(() =>
    {
        foreach ((string key, string value) in settings)
        {
            string path = $"/proc/sys/net/{key.Replace('.', '/')}";
            if (KernelFile.TryWrite(path, value) is var errno && errno is not (Errno.None or Errno.ENOENT or Errno.EACCES or Errno.EPERM))
                throw new LinuxException(errno, "write", path);
        }
    });

    /// <summary>Reads net.<paramref name="key"/> of this namespace; null when there is none.</summary>
    public string? Sysctl(string key) => Run(() => KernelFile.TryRead($"/proc/sys/net/{key.Replace('.', '/')}", out _)?.Trim());

    /// <inheritdoc/>
    public void Dispose()
    {
        if (_route.IsValueCreated)
            _route.Value.Dispose();
        if (_nft.IsValueCreated)
            _nft.Value.Dispose();
        if (_connections.IsValueCreated)
            _connections.Value.Dispose();
        Descriptor.Dispose();
    }

    private static void Unshare(string name)
    {
        if (unshare(CLONE_NEWNET) != 0)
            throw new LinuxException(Libc.LastError, "unshare", name);
    }

    // A thread that changed its namespace must never go back to a pool: it dies with the work.
    private static void OnThread(string name, Action action)
    {
        ExceptionDispatchInfo? failure = null;
        Thread thread = new(() =>
        {
            try
            {
                action();
            }
            catch (Exception e)
            {
                failure = ExceptionDispatchInfo.Capture(e);
            }
        })
        { Name = $"netns {name}", IsBackground = true };
        thread.Start();
        thread.Join();
        failure?.Throw();
    }
}
