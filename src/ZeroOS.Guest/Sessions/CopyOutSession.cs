using ZeroOS.Contracts.Sessions;
using ZeroOS.Formats.Tar;
using ZeroOS.Linux;
using ZeroOS.Trees;

namespace ZeroOS.Guest.Sessions;

/// <summary>One session of kind copy-out: a file or a tree of the workload, as its first process sees it, as a tar stream.</summary>
internal sealed class CopyOutSession(SessionLink link, SessionOrders orders)
{
    /// <summary>Sends it, and says why the session is over.</summary>
    /// <exception cref="LinuxException">It is not there, or cannot be read.</exception>
    /// <exception cref="TreeException">It is more than one copy may hold.</exception>
    /// <exception cref="CopyOverException">The session is over.</exception>
    internal SessionEnd Run(RootedDirectory root, CopyBegin begin)
    {
        using TreeSource source = TreeSource.Open(root, begin.Path, begin.FollowLink);
        ChannelWriter output = new(link, orders);
        TarWriter tar = new(output.Write);
        // What is in a directory has the directory's place in its names, as tar(1) has it: whoever names it anew knows where.
        new TreePacker(tar, new CopyWatcher(link)).Pack(source.Directory, source.Name, source.CalledName.Length > 0 ? source.CalledName : ".");
        tar.End();
        output.End();
        return new SessionEnd(SessionCloseReason.Done, "");
    }
}
