using ZeroOS.Bus.Sessions;
using ZeroOS.Client;
using ZeroOS.Cli.Output;
using ZeroOS.Linux;
using ZeroOS.Trees;

namespace ZeroOS.Cli.Verbs;

/// <summary>
/// The end of a copy out of a machine. What comes is a stranger's: nothing of it gets beside the target, through a link, or a set-id bit.
/// </summary>
internal sealed class CopyOut(Session copy, CopyOptions options) : CopyStream(copy, options)
{
    private const int WindowBytes = 4 << 20;

    /// <summary>Writes what comes to <paramref name="target"/>, until all of it is there.</summary>
    /// <exception cref="SessionException">The machine's side did not send all of it.</exception>
    /// <exception cref="IOException">It cannot be written.</exception>
    public async Task RunAsync(string target, CancellationToken cancellation)
    {
        Task notes = ShowNotesAsync();
        await Copy.SetWindowAsync(CopySession.Output, WindowBytes);
        if (target == CopyVerb.Stream)
            await PumpAsync(Options.Terminal.RawOut, cancellation);
        else
            await UnpackAsync(target, cancellation);
        await CopySession.RequireDoneAsync(Copy, cancellation);
        await notes;
    }

    private async Task UnpackAsync(string target, CancellationToken cancellation)
    {
        (FileDescriptor read, FileDescriptor write) = Pipe.Make();
        using DescriptorStream to = new(write, "pipe");
        // The reading end closes with whoever unpacks, and then the other end breaks.
        Task unpacking = Task.Run(() => Unpack(read, target, cancellation), CancellationToken.None);
        try
        {
            await PumpAsync(to, cancellation);
        }
        catch (LinuxException e) when (e.Errno == Errno.EPIPE)
        {
            // why is for the other end to say
        }
        catch
        {
            to.Dispose();
            await unpacking.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            throw;
        }
        to.Dispose();
        await unpacking;
    }

    private async Task PumpAsync(Stream to, CancellationToken cancellation)
    {
        byte[] buffer = new byte[CopyBytes];
        while (await Copy.ReadAsync(CopySession.Output, buffer, cancellation) is > 0 and int count)
        {
            await to.WriteAsync(buffer.AsMemory(0, count), cancellation);
            await to.FlushAsync(cancellation);
            Moved(count);
        }
    }

    private void Unpack(FileDescriptor read, string target, CancellationToken cancellation)
    {
        using BufferedStream archive = new(new DescriptorStream(read, "pipe"), CopyBytes);
        using TreeTarget place = LocalTree.OpenTarget(target);
        TreeUnpacker unpacker = new(new Watcher(Options, cancellation)) { KeepsOwners = Options.KeepOwners, LeavesOutLinksThatLeadOut = true };
        CopyRules.Target to = new(target, place.IsThere, place.IsDirectory, place.Name);
        unpacker.Unpack(archive, (isDirectory, name) => name.Contains('/', StringComparison.Ordinal)
            ? throw new TreeException("what the machine sends begins inside a directory")
            : new TreePlace(place.Directory, CopyRules.NameAt(new CopyRules.Source(isDirectory, name), to)));
        if (unpacker.Done == 0)
            throw new TreeException("the machine sent nothing");
        // What stands behind an archive's end.
        byte[] rest = new byte[CopyBytes];
        while (archive.Read(rest) > 0)
            continue;
    }
}
