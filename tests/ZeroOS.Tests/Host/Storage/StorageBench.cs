using System.Security.Cryptography;

using ZeroOS.Bus.Keys;
using ZeroOS.Host.Storage;
using ZeroOS.Linux;
using ZeroOS.Node.Farm;
using ZeroOS.Node.Identity;
using ZeroOS.Tests.Repository;
using ZeroOS.Tests.Shared;

namespace ZeroOS.Tests.Host.Storage;

/// <summary>Real disks (loop devices) with the templates of the image, for tests of the tier that needs a kernel.</summary>
public abstract class StorageBench : IDisposable
{
    protected const long GiB = 1L << 30;

    private static readonly Lazy<string> s_templates = new(MakeTemplates);

    /// <summary>A folder of this test.</summary>
    protected string Base { get; } = Path.Combine(Path.GetTempPath(), $"zeroos-storage-{Guid.NewGuid():n}");

    /// <summary>Devices, in the order they were made.</summary>
    protected List<string> Loops { get; } = [];

    /// <summary>What the node logged.</summary>
    protected List<string> Log { get; } = [];

    /// <summary>Where it would have mounted memory.</summary>
    protected List<string> Memory { get; } = [];

    public void Dispose()
    {
        UnmountAll("mounts/", detach: true);
        foreach (string loop in Loops)
            ProgramRun.Of("losetup", "-d", loop);
        UnmountAll("medium", detach: true);
        if (Directory.Exists(Base))
            Directory.Delete(Base, recursive: true);
        GC.SuppressFinalize(this);
    }

    protected void Prepare()
    {
        Skip.IfNot(Environment.UserName == "root", "needs root for loop devices");
        Skip.IfNot(File.Exists("/dev/loop-control"), "needs /dev/loop-control");
        Skip.IfNot(File.ReadAllText("/proc/filesystems").Contains("\tbtrfs", StringComparison.Ordinal), "needs btrfs in this kernel");
        Directory.CreateDirectory(Base);
        Directory.CreateSymbolicLink(Base + "/templates", s_templates.Value);
    }

    /// <summary>Made once for all tests, as the image's are.</summary>
    private static string MakeTemplates()
    {
        string made = Path.Combine(AppContext.BaseDirectory, "templates-of-tests");
        ProgramRun.Of(Path.Combine(Checkout.Root, "scripts/templates"), made).Succeeded();
        return made;
    }

    protected static KeyId WhoIs(NodeStorage storage)
    {
        SealingMeans none = new(() => throw new SealException("no-tpm", "none"), () => throw new SealException("image-not-signed", "none"));
        return new IdentityKeeper(storage.Pool, storage.Persistent, null, none, LineLog.Quiet) { Ledger = new CountedLedger(storage.Pool) }.Open().Key.Id;
    }

    protected NodeStorage Open(bool mayClaim, params BlockDisk[] disks) =>
        NodeStorage.Open(disks, _ => mayClaim, onTrial: false, new LineLog(Log.Add), Base + "/mounts", Base + "/templates", Memory.Add);

    protected BlockDisk Loop(string name, long size)
    {
        string file = $"{Base}/{name}";
        using (FileStream f = File.Create(file))
            f.SetLength(size);
        (int code, string loop) = ProgramRun.Of("losetup", "-f", "--show", file);
        Skip.IfNot(code == 0, $"losetup: {loop}");
        Loops.Add(loop.Trim());
        return new BlockDisk(name, loop.Trim(), "serial-" + name, size, false, false) { Place = loop.Trim() };
    }

    /// <summary>As a restart of the computer does; what disks of the test lie in stays.</summary>
    protected void UnmountAll()
    {
        UnmountAll("mounts/", detach: false);
        // A jail that another test is just making has a copy of every mount until it has changed its root.
        Assert.True(SpinWait.SpinUntil(() => Loops.TrueForAll(IsFree), TimeSpan.FromSeconds(30)), "a disk is still mounted somewhere");
    }

    private static bool IsFree(string loop)
    {
        using FileDescriptor? device = FileDescriptor.TryOpen(loop, OpenFlags.ReadOnly | OpenFlags.Exclusive, 0, out _);
        return device is not null;
    }

    private void UnmountAll(string below, bool detach)
    {
        foreach (MountPoint mount in Mounts.List().Where(m => m.Target.StartsWith($"{Base}/{below}", StringComparison.Ordinal)))
            _ = Mounts.TryUnmount(mount.Target, detach);
    }

    protected static byte[] Hash(string path)
    {
        using FileStream file = File.OpenRead(path);
        return SHA256.HashData(file);
    }
}
