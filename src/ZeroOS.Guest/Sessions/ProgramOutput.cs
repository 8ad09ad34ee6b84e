using ZeroOS.Contracts.Sessions;
using ZeroOS.Linux;

namespace ZeroOS.Guest.Sessions;

/// <summary>
/// The way of one of a program's outputs into its channel: only what the client has room for is read, so that a slow client makes the program wait. Not
/// thread-safe.
/// </summary>
/// <param name="link">The session.</param>
/// <param name="channel">Its channel.</param>
/// <param name="descriptor">What is read, closed at its end; null: there is no such output.</param>
internal sealed class ProgramOutput(SessionLink link, uint channel, FileDescriptor? descriptor)
{
    private int _left = int.MaxValue;

    /// <summary>Which channel.</summary>
    internal uint Channel => channel;

    /// <summary>Everything was sent, and its end.</summary>
    internal bool IsEnded { get; private set; }

    /// <summary>What has to have something to read before there is anything to do; null when it is ended or waits for the client.</summary>
    internal FileDescriptor? Blocked => IsEnded || link.MaySend(channel) == 0 ? null : descriptor;

    /// <summary>Sends one piece of what there is.</summary>
    internal void Pass(Span<byte> buffer)
    {
        if (IsEnded)
            return;
        int room = Math.Min(Math.Min(link.MaySend(channel), buffer.Length), _left);
        if (descriptor is null || _left == 0)
        {
            End();
        }
        else if (room > 0 && descriptor.TryRead(buffer[..room], out int count) is var errno && errno != Errno.EAGAIN)
        {
            // A terminal that nobody has open any more says EIO.
            if (errno != Errno.None || count == 0)
                End();
            else
                Send(buffer[..count]);
        }
    }

    /// <summary>Nothing is read but what waits to be read now.</summary>
    internal void Cut() => _left = descriptor is null || IsEnded ? 0 : Math.Min(Pipe.Waiting(descriptor), _left);

    /// <summary>Nothing is read any more.</summary>
    internal void End()
    {
        if (IsEnded)
            return;
        IsEnded = true;
        descriptor?.Dispose();
        link.Send(channel, SessionFrameType.HalfClose, default);
    }

    private void Send(ReadOnlySpan<byte> data)
    {
        link.Send(channel, SessionFrameType.Data, data);
        if (_left != int.MaxValue)
            _left -= data.Length;
        if (_left == 0)
            End();
    }
}
