using System.Net.Sockets;
using System.Text;

using Xunit;

using ZeroOS.Bus.Envelopes;
using ZeroOS.Bus.Sessions;
using ZeroOS.Contracts.Bus;
using ZeroOS.Contracts.Sessions;

namespace ZeroOS.Tests.Node.Sessions;

/// <summary>
/// A client at the other end of a session: the real one (<see cref="AsSession"/>), or one that seals frame by frame and sends what it likes.
/// </summary>
internal sealed class TestClient(Socket socket, SessionKeyPair pair, byte[] nodeKey, byte[] opening, byte[] answer)
{
    private SessionCiphers? _ciphers;

    public Socket Socket => socket;

    public byte[] Opening => opening;

    public byte[] Answer => answer;

    public byte[] NodeKey => nodeKey;

    /// <summary>What this end derived.</summary>
    public SessionCiphers Ciphers => _ciphers ??= pair.AsClient(nodeKey, opening, answer)!;

    /// <summary>Reads the node's 101 and answer.</summary>
    public static async Task<TestClient> GreetAsync(Socket socket, SessionKeyPair pair, byte[] envelope)
    {
        NetworkStream stream = new(socket);
        List<byte> head = [];
        byte[] one = new byte[1];
        while (!Encoding.ASCII.GetString([.. head]).EndsWith("\r\n\r\n", StringComparison.Ordinal) && head.Count < 1000)
            head.Add(await NextAsync());
        Assert.Equal("HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: zeroos-session\r\n\r\n", Encoding.ASCII.GetString([.. head]));
        List<byte> line = [];
        while (await NextAsync() is var next && next != (byte)'\n')
            line.Add(next);
        Assert.True(Envelope.TryRead([.. line], out Envelope? reply) && reply.EverySignatureVerifies());
        Assert.True(Envelope.TryRead(envelope, out Envelope? asked));
        SessionOpened opened = SessionBench.Opened(reply);
        Assert.NotEmpty(opened.Session);
        return new TestClient(socket, pair, Convert.FromBase64String(opened.Key), asked.Payload.ToArray(), reply.Payload.ToArray());

        async Task<byte> NextAsync()
        {
            await stream.ReadExactlyAsync(one).AsTask().WaitAsync(SessionBench.Soon);
            return one[0];
        }
    }

    /// <summary>The client of the product. It owns the connection.</summary>
    public Session AsSession() => new(new NetworkStream(socket, ownsSocket: true), Ciphers, isClient: true, 3, TimeProvider.System);

    /// <summary>Derives as if it had asked something else, or had been answered something else.</summary>
    public void DeriveFrom(byte[] otherOpening, byte[] otherAnswer) => _ciphers = pair.AsClient(nodeKey, otherOpening, otherAnswer);

    public byte[] Sealed(uint channel, SessionFrameType type, ReadOnlySpan<byte> body)
    {
        byte[] frame = new byte[FrameSealer.Room(body.Length)];
        return frame[..Ciphers.Sealer.Seal(new SessionFrame(channel, type, body), frame, 0)];
    }

    public void Send(params byte[][] frames)
    {
        byte[] all = [.. frames.SelectMany(f => f)];
        for (int sent = 0; sent < all.Length;)
            sent += socket.Send(all.AsSpan(sent));
    }

    public void Begin() => Send(Sealed(SessionFrame.SessionChannel, SessionFrameType.Begin, "{}"u8));

    /// <summary>Reads frames until the session's close, or the end of the connection: null.</summary>
    public async Task<(SessionCloseReason Reason, string Sentence)?> CloseAsync(Action<int>? data = null)
    {
        using CancellationTokenSource late = new(SessionBench.Soon);
        while (true)
        {
            while (Ciphers.Opener.TryTake(out SessionFrame frame))
            {
                if (frame is { Channel: SessionFrame.SessionChannel, Type: SessionFrameType.Close })
                    return (frame.Reason, frame.Sentence);
                if (frame.Type == SessionFrameType.Data)
                    data?.Invoke(frame.Body.Length);
            }
            Assert.False(Ciphers.Opener.IsBroken);
            int count = await socket.ReceiveAsync(Ciphers.Opener.Room(), late.Token);
            if (count == 0)
                return null;
            Ciphers.Opener.Filled(count);
        }
    }
}
