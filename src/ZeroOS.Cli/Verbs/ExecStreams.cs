using System.Runtime.InteropServices;
using System.Text;
using System.Threading.Channels;

using ZeroOS.Bus.Sessions;
using ZeroOS.Cli.Output;
using ZeroOS.Contracts.Sessions;
using ZeroOS.Linux;

using BusSession = ZeroOS.Bus.Sessions.Session;

namespace ZeroOS.Cli.Verbs;

/// <summary>The streams of zos and those of a program in a machine, joined until the program ends or the person leaves it.</summary>
/// <param name="exec">The begun session; its channels are those of <c>SessionKinds.Exec</c>.</param>
/// <param name="terminal">The streams of zos.</param>
/// <param name="input">Whether the program is sent what zos reads.</param>
/// <param name="keyboard">The terminal whose size the program's has; null: the program has none.</param>
/// <param name="keys">By which the person leaves, if what zos reads are the keys of that terminal.</param>
internal sealed class ExecStreams(BusSession exec, Terminal terminal, bool input, FileDescriptor? keyboard, DetachKeys keys)
{
    private const uint Input = 0, Output = 1, Errors = 2;

    // Of each output: what keeps a fast program and a long way busy.
    private const int WindowBytes = 4 << 20;
    private const int CopyBytes = 64 << 10;

    // Of signals that ask for the end, as Docker counts them.
    private const int MostAsked = 3;

    private readonly TaskCompletionSource _broken = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly TaskCompletionSource _left = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private int _asked;
    private bool _raw;

    /// <summary>The signals of zos go to the program.</summary>
    public bool ProxiesSignals { get; init; }

    /// <summary>Returns the program's exit code, when all that it wrote is out; null: the person left, and the program runs on.</summary>
    /// <exception cref="SessionException">The session ended in any other way.</exception>
    /// <exception cref="IOException">A stream of zos cannot be read or written.</exception>
    public async Task<int?> RunAsync(CancellationToken cancellation)
    {
        using RawTerminal? raw = input && keyboard is not null ? RawTerminal.Enter(keyboard) : null;
        _raw = raw is not null;
        Channel<bool> sizes = Channel.CreateBounded<bool>(new BoundedChannelOptions(1) { FullMode = BoundedChannelFullMode.DropWrite });
        sizes.Writer.TryWrite(true);    // it may have changed since the begin was made
        using PosixSignalRegistration? resized =
            keyboard is null ? null : PosixSignalRegistration.Create(PosixSignal.SIGWINCH, _ => sizes.Writer.TryWrite(true));
        using IDisposable? signals = ProxiesSignals ? terminal.Interrupts?.Divert(s => _ = ProxyAsync(s)) : null;
        Task<int> code = exec.ExitCodeAsync(Input);
        Task ends = Task.WhenAll(code, CopyOutAsync(Output, terminal.RawOut), CopyOutAsync(Errors, terminal.RawError), ShowNotesAsync());
        // Neither of these ends by itself: a read of a terminal can only be left behind.
        _ = input ? CopyInAsync() : Task.CompletedTask;
        _ = keyboard is null ? Task.CompletedTask : FollowSizeAsync(keyboard, sizes.Reader);
        try
        {
            Task first = await Task.WhenAny(ends, _broken.Task, _left.Task).WaitAsync(cancellation);
            await first;
            return first == _left.Task ? null : await code;
        }
        finally
        {
            sizes.Writer.Complete();
        }
    }

    private async Task CopyOutAsync(uint channel, Stream to)
    {
        byte[] buffer = new byte[CopyBytes];
        try
        {
            await exec.SetWindowAsync(channel, WindowBytes);
            while (await exec.ReadAsync(channel, buffer) is > 0 and int count)
            {
                await to.WriteAsync(buffer.AsMemory(0, count));
                await to.FlushAsync();
            }
        }
        catch (SessionException)
        {
            // how the session ended is for the exit code to say
        }
        catch (IOException e)
        {
            Break(e);
        }
    }

    private async Task CopyInAsync()
    {
        byte[] buffer = new byte[CopyBytes];
        try
        {
            while (await terminal.RawIn.ReadAsync(buffer) is > 0 and int count)
            {
                bool left = false;
                await exec.WriteAsync(Input, _raw ? keys.Pass(buffer.AsSpan(0, count), out left) : buffer.AsMemory(0, count));
                if (!left)
                    continue;
                _left.TrySetResult();
                return;
            }
            await exec.EndAsync(Input);
        }
        catch (SessionException)
        {
            // the program wants no more input, or the session ended
        }
        catch (IOException e)
        {
            Break(e);
        }
    }

    private async Task ShowNotesAsync()
    {
        try
        {
            await foreach (SessionEvent told in exec.Events.ReadAllAsync())
            {
                if (told.Type != SessionFrameType.Note)
                    continue;
                // A raw terminal goes down with a line's end and not back, and .NET's writer would change its keypad under the program.
                if (_raw)
                    await terminal.RawError.WriteAsync(Encoding.UTF8.GetBytes($"\r\nzos: {Terminal.Clean(told.Sentence)}\r\n"));
                else
                    terminal.Complain(told.Sentence);
            }
        }
        catch (IOException e)
        {
            Break(e);
        }
    }

    private async Task FollowSizeAsync(FileDescriptor keyboard, ChannelReader<bool> changes)
    {
        try
        {
            await foreach (bool _ in changes.ReadAllAsync())
            {
                if (VirtualTerminal.Size(keyboard) is (int rows, int columns))
                    await exec.ResizeAsync(Input, (ushort)columns, (ushort)rows);
            }
        }
        catch (SessionException)
        {
            // there is nothing to resize any more
        }
    }

    // Whoever asks for the end again and again means zos.
    private async Task ProxyAsync(PosixSignal signal)
    {
        if (signal is PosixSignal.SIGINT or PosixSignal.SIGTERM && Interlocked.Increment(ref _asked) == MostAsked)
            terminal.Interrupts?.Ask();
        try
        {
            await exec.SignalAsync(Input, signal switch
            {
                PosixSignal.SIGHUP => 1,
                PosixSignal.SIGINT => 2,
                PosixSignal.SIGQUIT => 3,
                _ => 15,
            });
        }
        catch (SessionException)
        {
            // there is nobody to tell any more
        }
    }

    // After the end nobody waits for it.
    private void Break(IOException fault)
    {
        _broken.TrySetException(fault);
        _ = _broken.Task.Exception;
    }
}
