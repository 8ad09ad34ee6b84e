using System.Collections.Concurrent;
using System.Net.Sockets;
using System.Text;
using System.Text.Json;

using ZeroOS.Bus.Gates;
using ZeroOS.Bus.Keys;
using ZeroOS.Bus.Serving;
using ZeroOS.Contracts.Bus;
using ZeroOS.Node.Bus;
using ZeroOS.Node.Sessions;
using ZeroOS.Tests.Bus;

namespace ZeroOS.Tests.Node.Bus;

/// <summary>Opens every session, unless told what to refuse, and gives back on it what comes: a way of a session's connection without a session.</summary>
internal sealed class EchoSessions : ISessionServer
{
    private readonly GateBench _bench;
    private int _open;
    private int _ran;
    private int _disposed;

    public EchoSessions(GateBench bench)
    {
        _bench = bench;
        bench.Routes.Add(Commands.SessionOpen, Roles.Tenant, SessionOpened (RequestContext _, SessionOpen _) =>
            throw new BusErrorException(ErrorCodes.Invalid, "a session is opened by POST /session"));
    }

    /// <summary>What a session answers before it gives anything back, but for the signed line.</summary>
    public const string Head = "HTTP/1.1 101 Switching Protocols\r\n\r\n";

    /// <summary>Refuses instead.</summary>
    public BusError? Refusal { get; set; }

    /// <summary>An opening waits for it.</summary>
    public Task Decides { get; set; } = Task.CompletedTask;

    /// <summary>Envelopes that came.</summary>
    public ConcurrentQueue<byte[]> Asked { get; } = new();

    /// <summary>Sessions that run.</summary>
    public int Open => Volatile.Read(ref _open);

    /// <summary>Sessions that were given a connection.</summary>
    public int Ran => Volatile.Read(ref _ran);

    /// <summary>Sessions and refusals that were not.</summary>
    public int Disposed => Volatile.Read(ref _disposed);

    /// <summary>A request for a session, sealed and signed.</summary>
    public byte[] Opening(IdentityKey from) => _bench.Seal(_bench.Request(from, Commands.SessionOpen.Name,
        $$"""{"kind":"exec","deployment":"shop","machine":"web","key":"{{Convert.ToBase64String(new byte[32])}}"}"""), from);

    public async Task<PreparedSession> OpenAsync(Decision decision, ReadOnlyMemory<byte> envelope, CancellationToken cancellation)
    {
        Asked.Enqueue(envelope.ToArray());
        await Decides.WaitAsync(cancellation);
        Replies replies = new(_bench.Node, _bench.Epoch, decision.Request!, decision.SealReply);
        return new Echo(this, Refusal is null, Refusal is BusError refusal ? replies.Refuse(refusal) : replies.Piece(JsonSerializer.SerializeToElement(
            new SessionOpened { Session = "s1", Key = Convert.ToBase64String(new byte[32]) }, BusJson.Default.SessionOpened), end: true));
    }

    private sealed class Echo(EchoSessions sessions, bool isOpen, byte[] answer) : PreparedSession
    {
        public override bool IsOpen => isOpen;

        public override ReadOnlyMemory<byte> Answer => answer;

        public override void Run(Socket connection)
        {
            Interlocked.Increment(ref sessions._ran);
            Interlocked.Increment(ref sessions._open);
            _ = Task.Run(() => EchoAsync(connection));
        }

        public override void Dispose() => Interlocked.Increment(ref sessions._disposed);

        private async Task EchoAsync(Socket connection)
        {
            try
            {
                using Socket owned = connection;
                using NetworkStream stream = new(connection);
                await stream.WriteAsync((byte[])[.. Encoding.ASCII.GetBytes(Head), .. answer, (byte)'\n']);
                await stream.CopyToAsync(stream);
            }
            catch (IOException)
            {
                // the client has gone
            }
            finally
            {
                Interlocked.Decrement(ref sessions._open);
            }
        }
    }
}
