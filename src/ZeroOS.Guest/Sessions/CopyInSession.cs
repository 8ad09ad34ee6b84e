using System.Text.Json;

using ZeroOS.Contracts.Sessions;
using ZeroOS.Formats.Tar;
using ZeroOS.Linux;
using ZeroOS.Trees;

namespace ZeroOS.Guest.Sessions;

/// <summary>
/// One session of kind copy-in: the client's tar stream is kept in a file without a name until it has ended, read to its end, and only then unpacked, as the
/// workload's first process sees its files.
/// </summary>
/// <param name="link">The session.</param>
/// <param name="orders">What the client says.</param>
/// <param name="spoolFolder">On the disk on which the workload writes: what waits takes its space, and no memory.</param>
internal sealed class CopyInSession(SessionLink link, SessionOrders orders, string spoolFolder)
{
    /// <summary>Bytes of a stream at most; its disk may have less.</summary>
    internal const long MaxSpoolBytes = 8L << 30;

    /// <summary>As <see cref="MaxSpoolBytes"/>, for tests.</summary>
    internal long SpoolBytes { get; init; } = MaxSpoolBytes;

    /// <summary>Takes the stream, unpacks it, and says why the session is over.</summary>
    /// <exception cref="LinuxException">There is no such place, or what the kernel refused before anything was done.</exception>
    /// <exception cref="TarException">The stream is damaged, or not allowed; nothing was done.</exception>
    /// <exception cref="TreeException">The same.</exception>
    /// <exception cref="CopyOverException">The session is over.</exception>
    internal SessionEnd Run(RootedDirectory root, CopyBegin begin)
    {
        using TreeTarget target = TreeTarget.Open(root, begin.Path);
        ChannelWriter output = new(link, orders);
        CopyTarget told = new() { IsThere = target.IsThere, IsDirectory = target.IsDirectory, Name = target.Name };
        output.Write(JsonSerializer.SerializeToUtf8Bytes(told, SessionJson.Default.CopyTarget));
        output.Write("\n"u8);
        output.Flush();
        using FileDescriptor spool = FileDescriptor.Unnamed(spoolFolder);
        long length = Take(spool);
        CopyWatcher watcher = new(link);
        int entries = TreeChecker.Check(new SpoolStream(spool, length), watcher);
        TreeUnpacker unpacker = new(watcher) { KeepsOwners = begin.KeepOwners };
        try
        {
            unpacker.Unpack(new SpoolStream(spool, length), (_, _) => new TreePlace(target.Directory));
        }
        catch (Exception e) when (e is LinuxException or TreeException or TarException)
        {
            return new SessionEnd(SessionCloseReason.Refused, $"{unpacker.Done} of {entries} entries are there, and no more: {e.Message}");
        }
        output.End();
        return new SessionEnd(SessionCloseReason.Done, "");
    }

    // Returns how many bytes there are, when the client has said that these are all.
    private long Take(FileDescriptor spool)
    {
        long length = 0;
        while (true)
        {
            orders.ForgetWaking();
            bool ended = orders.InputEnded;
            while (orders.Input.Oldest is { IsEmpty: false } data)
            {
                if (data.Length > SpoolBytes - length)
                    throw new TreeException($"more than {SpoolBytes} bytes at once are not taken", isLimit: true);
                spool.WriteAt(data, length);
                length += data.Length;
                orders.InputTaken(link, data.Length);
            }
            if (link.Over is not null || orders.HasClosed(SessionOrders.InputChannel))
                throw new CopyOverException();
            if (ended)
                return length;
            Polling.WaitForAny([orders.Event], null, link.QuietMs);
            link.KeepAlive();
        }
    }
}
