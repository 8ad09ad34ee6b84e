using ZeroOS.Contracts.Sessions;
using ZeroOS.Linux;

namespace ZeroOS.Guest.Sessions;

/// <summary>
/// Bytes onto the first channel of output, as fast as the client takes them: a client that reads no more makes whoever writes wait, for as long as the session
/// lasts. Not thread-safe.
/// </summary>
internal sealed class ChannelWriter(SessionLink link, SessionOrders orders)
{
    private readonly byte[] _bytes = new byte[32 * 1024];
    private int _count;

    /// <summary>Takes bytes; they are sent when there are many, or by <see cref="Flush"/>.</summary>
    /// <exception cref="CopyOverException">The session is over, or the client has closed the channel.</exception>
    internal void Write(ReadOnlySpan<byte> data)
    {
        while (!data.IsEmpty)
        {
            int count = Math.Min(data.Length, _bytes.Length - _count);
            data[..count].CopyTo(_bytes.AsSpan(_count));
            _count += count;
            data = data[count..];
            if (_count == _bytes.Length)
                Flush();
        }
    }

    /// <summary>Sends what was taken.</summary>
    /// <exception cref="CopyOverException">As above.</exception>
    internal void Flush()
    {
        for (int sent = 0; sent < _count;)
        {
            int count = Math.Min(WaitForRoom(), _count - sent);
            link.Send(SessionOrders.OutputChannel, SessionFrameType.Data, _bytes.AsSpan(sent, count));
            sent += count;
        }
        _count = 0;
    }

    /// <summary>Sends what was taken, and that nothing follows.</summary>
    /// <exception cref="CopyOverException">As above.</exception>
    internal void End()
    {
        Flush();
        link.Send(SessionOrders.OutputChannel, SessionFrameType.HalfClose, default);
    }

    private int WaitForRoom()
    {
        while (true)
        {
            orders.ForgetWaking();
            if (link.Over is not null || orders.HasClosed(SessionOrders.OutputChannel))
                throw new CopyOverException();
            if (link.MaySend(SessionOrders.OutputChannel) is > 0 and int room)
                return room;
            Polling.WaitForAny([orders.Event], null, link.QuietMs);
            link.KeepAlive();
        }
    }
}
