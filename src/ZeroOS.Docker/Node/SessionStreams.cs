using System.Text;

using ZeroOS.Bus.Sessions;
using ZeroOS.Contracts.Guest;
using ZeroOS.Contracts.Sessions;
using ZeroOS.Docker.Http;

namespace ZeroOS.Docker.Node;

/// <summary>What goes between a session at a program, by exec or attach, and the connection of the client that took it over.</summary>
internal static class SessionStreams
{
    /// <summary>The channel of the program's input, its size and its exit code.</summary>
    public const uint Input = 0;

    private const uint Output = 1, Errors = 2;
    private const int WindowBytes = 4 << 20, CopyBytes = 64 << 10;

    /// <summary>Copies both outputs and the machine's notes until the session ends; how it ended is for the exit code to say.</summary>
    /// <exception cref="IOException">The client has gone; the session is ended.</exception>
    public static async Task CopyOutAsync(Session session, OutputFrames to)
    {
        using SemaphoreSlim writing = new(1);
        await Task.WhenAll(CopyAsync(Output, OutputStream.StandardOutput), CopyAsync(Errors, OutputStream.StandardError), TellNotesAsync());

        async Task CopyAsync(uint channel, OutputStream stream)
        {
            byte[] buffer = new byte[CopyBytes];
            try
            {
                await session.SetWindowAsync(channel, WindowBytes);
                while (await session.ReadAsync(channel, buffer) is > 0 and int count)
                    await WriteAsync(stream, buffer.AsMemory(0, count));
            }
            catch (SessionException)
            {
                // the session has ended
            }
        }

        async Task TellNotesAsync()
        {
            await foreach (SessionEvent told in session.Events.ReadAllAsync())
            {
                if (told.Type == SessionFrameType.Note)
                    await WriteAsync(OutputStream.StandardError, Encoding.UTF8.GetBytes($"{told.Sentence}\r\n"));
            }
        }

        async Task WriteAsync(OutputStream stream, ReadOnlyMemory<byte> bytes)
        {
            await writing.WaitAsync();
            try
            {
                await to.WriteAsync(stream, bytes);
            }
            catch
            {
                await session.CloseAsync(SessionCloseReason.Cancelled);     // nobody hears the rest
                throw;
            }
            finally
            {
                writing.Release();
            }
        }
    }

    /// <summary>Copies what the client sends until its end; <paramref name="ends"/>: that is the end of the program's input too.</summary>
    public static async Task CopyInAsync(Session session, HijackedCall call, bool ends = true)
    {
        byte[] buffer = new byte[CopyBytes];
        try
        {
            while (await call.Input.ReadAsync(buffer, call.Cancellation) is > 0 and int count)
                await session.WriteAsync(Input, buffer.AsMemory(0, count), call.Cancellation);
            if (ends)
                await session.EndAsync(Input);
        }
        catch (Exception e) when (e is SessionException or IOException or OperationCanceledException or InvalidOperationException)
        {
            // the program wants no more input, or one side is gone
        }
    }
}
