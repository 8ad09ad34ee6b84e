using System.Globalization;
using System.Net.Sockets;
using System.Text;

using ZeroOS.Bus.Envelopes;
using ZeroOS.Bus.Messages;
using ZeroOS.Bus.Sessions;
using ZeroOS.Node.Sessions;

namespace ZeroOS.Tests.Bus.Sessions;

/// <summary>One opening as a <see cref="SessionNode"/> got it, and what it may answer.</summary>
internal sealed class SessionOpening(SessionNode node, Socket wire, byte[] envelope)
{
    private static ReadOnlySpan<byte> Switching => "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: zeroos-session\r\n\r\n"u8;

    /// <summary>What was asked, still sealed.</summary>
    public Message Request => Envelope.TryRead(envelope, out Envelope? read) && Message.TryRead(read, out Message? request)
        ? request
        : throw new InvalidOperationException("that is no opening");

    /// <summary>Head of an ordinary answer.</summary>
    public static byte[] Head(string status, int length) =>
        Encoding.ASCII.GetBytes(string.Create(CultureInfo.InvariantCulture, $"HTTP/1.1 {status}\r\nContent-Length: {length}\r\n\r\n"));

    /// <summary>The signed answer, a refusal or not.</summary>
    public async Task<byte[]> AnswerAsync() => Assert.Single(await node.Gate.AnswerAsync(node.Gate.Gate.Admit(envelope)));

    /// <summary>The node's ends of the directions, once it was admitted.</summary>
    public SessionCiphers Ciphers(byte[] answer)
    {
        Assert.True(Envelope.TryRead(envelope, out Envelope? asked) & Envelope.TryRead(answer, out Envelope? answered));
        return node.Pair.AsNode(Convert.FromBase64String(node.Opened!.Key), asked!.Payload, answered!.Payload)!;
    }

    /// <summary>Switches protocols with this line, and these bytes behind it in the same packet.</summary>
    public Task SwitchAsync(byte[] line, params byte[] behind) => SendAsync([.. Switching, .. line, (byte)'\n', .. behind]);

    /// <summary>An ordinary answer with this line.</summary>
    public Task RefuseAsync(byte[] line) => SendAsync([.. Head("200 OK", line.Length + 1), .. line, (byte)'\n']);

    /// <summary>Whatever this is.</summary>
    public async Task SendAsync(byte[] bytes) => await wire.SendAsync(bytes);

    /// <summary>Whether the client hangs up.</summary>
    public async Task<bool> IsLeftAsync()
    {
        try
        {
            return await wire.ReceiveAsync(new byte[1]).WaitAsync(TimeSpan.FromSeconds(30)) == 0;
        }
        catch (SocketException)
        {
            return true;
        }
    }

    /// <summary>Hangs up with a reset, as a door does that is over its rate.</summary>
    public void Reset()
    {
        wire.LingerState = new LingerOption(true, 0);
        wire.Dispose();
    }

    /// <summary>Hangs up.</summary>
    public void Cut() => wire.Shutdown(SocketShutdown.Both);

    /// <summary>Admits it and lets a node's own relay join it with what <paramref name="connect"/> dials.</summary>
    public async Task RelayAsync(Func<CancellationToken, Task<Stream>> connect)
    {
        byte[] line = await AnswerAsync();
        using SessionRelay relay = new(Ciphers(line), connect, new FrameShare(new FrameMemory(), "tenant", IsOwner: false), TimeProvider.System);
        using NetworkStream client = new(wire, ownsSocket: true);
        await relay.RunAsync(client, (byte[])[.. Switching, .. line, (byte)'\n']);
    }

    /// <summary>Admits it and serves the session.</summary>
    public async Task<Session> AcceptAsync()
    {
        byte[] line = await AnswerAsync();
        SessionCiphers ciphers = Ciphers(line);     // before the client goes on and opens another
        await SwitchAsync(line);
        return new Session(new NetworkStream(wire, ownsSocket: true), ciphers, isClient: false, 3, TimeProvider.System);
    }
}
