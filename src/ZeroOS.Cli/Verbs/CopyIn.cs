using ZeroOS.Bus.Sessions;
using ZeroOS.Client;
using ZeroOS.Cli.Output;
using ZeroOS.Cli.Sessions;
using ZeroOS.Contracts.Sessions;
using ZeroOS.Formats.Tar;
using ZeroOS.Linux;
using ZeroOS.Trees;

using Session = ZeroOS.Bus.Sessions.Session;

namespace ZeroOS.Cli.Verbs;

/// <summary>The end of a copy into a machine.</summary>
internal sealed class CopyIn(Session copy, CopyOptions options) : CopyStream(copy, options)
{
    /// <summary>
    /// Sends what <paramref name="source"/> is, or the tar stream that zos reads when that is null, to <paramref name="path"/> in the machine, and waits until
    /// it is there.
    /// </summary>
    /// <exception cref="SessionException">The machine's side did not take all of it.</exception>
    /// <exception cref="IOException">It cannot be read.</exception>
    public async Task RunAsync(TreeSource? source, string path, CancellationToken cancellation)
    {
        Task notes = ShowNotesAsync();
        CopyTarget target = await CopySession.TargetAsync(Copy, cancellation);
        if (source is not null)
        {
            await SendTreeAsync(source, target, path, cancellation);
        }
        else
        {
            // What is read here may never end: then what the machine's side says counts.
            Task sending = SendStreamAsync(target, path, cancellation);
            if (await Task.WhenAny(sending, Copy.Ended).WaitAsync(cancellation) == sending)
                await sending;
        }
        await CopySession.RequireDoneAsync(Copy, cancellation);
        await notes;
    }

    private async Task SendStreamAsync(CopyTarget target, string path, CancellationToken cancellation)
    {
        if (!target.IsDirectory)
            throw new CliException($"a tar stream is unpacked into a directory, and {path} is none");
        await PumpAsync(Options.Terminal.RawIn, cancellation);
        await Copy.EndAsync(CopySession.Input);
    }

    private async Task SendTreeAsync(TreeSource source, CopyTarget target, string path, CancellationToken cancellation)
    {
        string name = CopyRules.NameAt(new CopyRules.Source(source.IsDirectory, source.CalledName),
            new CopyRules.Target(path, target.IsThere, target.IsDirectory, target.Name));
        (FileDescriptor read, FileDescriptor write) = Pipe.Make();
        Task packing = Task.Run(() => Pack(source, name, write, cancellation), CancellationToken.None);
        try
        {
            using DescriptorStream from = new(read, "pipe");
            await PumpAsync(from, cancellation);
        }
        catch
        {
            // It breaks, since nobody reads any more; what it reads is the caller's to close.
            await packing.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            throw;
        }
        // Only what was read to its end is said to be all.
        await packing;
        await Copy.EndAsync(CopySession.Input);
    }

    private void Pack(TreeSource source, string name, FileDescriptor write, CancellationToken cancellation)
    {
        using (write)
        {
            TarWriter tar = new(write.Write);
            new TreePacker(tar, new Watcher(Options, cancellation)).Pack(source.Directory, source.Name, name);
            tar.End();
        }
    }

    private async Task PumpAsync(Stream from, CancellationToken cancellation)
    {
        byte[] buffer = new byte[CopyBytes];
        while (await from.ReadAsync(buffer, cancellation) is > 0 and int count)
        {
            await Copy.WriteAsync(CopySession.Input, buffer.AsMemory(0, count), cancellation);
            Moved(count);
        }
    }
}
