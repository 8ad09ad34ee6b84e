using System.Net.Sockets;

using Xunit;

using ZeroOS.Contracts.Sessions;

namespace ZeroOS.Tests.Node.Sessions;

/// <summary>The test as zguest at the other end of one session, where frames are plain. What waits too long throws.</summary>
internal sealed class TestGuest(Socket socket)
{
    private readonly PlainFrames _frames = new();

    public Socket Socket => socket;

    /// <summary>The next frame; null at the end of the connection.</summary>
    public (uint Channel, SessionFrameType Type, byte[] Body)? Next()
    {
        while (true)
        {
            if (_frames.TryTake(out SessionFrame frame))
                return (frame.Channel, frame.Type, frame.Body.ToArray());
            Assert.False(_frames.IsBroken);
            int count;
            try
            {
                count = socket.Receive(_frames.Room().Span);
            }
            catch (SocketException e) when (e.SocketErrorCode == SocketError.ConnectionReset)
            {
                count = 0;
            }
            if (count == 0)
                return null;
            _frames.Filled(count);
        }
    }

    public byte[] Expect(uint channel, SessionFrameType type)
    {
        (uint Channel, SessionFrameType Type, byte[] Body)? next = Next();
        Assert.Equal((channel, type), (next?.Channel, next?.Type));
        return next!.Value.Body;
    }

    public byte[] ExpectBegin() => Expect(SessionFrame.SessionChannel, SessionFrameType.Begin);

    /// <summary>The session's close, after nothing else.</summary>
    public SessionCloseReason ExpectClose()
    {
        byte[] body = Expect(SessionFrame.SessionChannel, SessionFrameType.Close);
        return new SessionFrame(SessionFrame.SessionChannel, SessionFrameType.Close, body).Reason;
    }

    public static byte[] Plain(uint channel, SessionFrameType type, ReadOnlySpan<byte> body)
    {
        SessionFrame frame = new(channel, type, body);
        byte[] plain = new byte[PlainFrames.LengthBytes + frame.Length];
        PlainFrames.Write(frame, plain);
        return plain;
    }

    public void Send(uint channel, SessionFrameType type, ReadOnlySpan<byte> body) => Raw(Plain(channel, type, body));

    public void Raw(ReadOnlySpan<byte> bytes)
    {
        while (!bytes.IsEmpty)
            bytes = bytes[socket.Send(bytes)..];
    }

    public void Close(SessionCloseReason reason) =>
        Send(SessionFrame.SessionChannel, SessionFrameType.Close, SessionFrame.CloseBody(reason, ""));
}
