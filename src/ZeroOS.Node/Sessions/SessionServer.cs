using System.Security.Cryptography;
using System.Text.Json;

using ZeroOS.Bus.Envelopes;
using ZeroOS.Bus.Gates;
using ZeroOS.Bus.Json;
using ZeroOS.Bus.Messages;
using ZeroOS.Bus.Serving;
using ZeroOS.Bus.Sessions;
using ZeroOS.Contracts.Bus;
using ZeroOS.Contracts.Sessions;
using ZeroOS.Host.Loops;

namespace ZeroOS.Node.Sessions;

/// <summary>
/// The node's sessions: who may have one more, the keys of each, and when they end. One thread says which connection has something to do; whatever happens in a
/// session ends that session. Thread-safe.
/// </summary>
internal sealed class SessionServer : ISessionServer, IDisposable
{
    /// <summary>Sessions of the node, those included whose connection has still to come.</summary>
    public const int Max = 2048;

    /// <summary>Sessions of one key: an eighth, so that no seven keys keep out all others.</summary>
    public const int MaxOfKey = Max / 8;

    /// <summary>How many of all only owners get.</summary>
    public const int OfOwners = 32;

    private const int SecondsToGrants = 10;
    private static readonly TimeSpan s_tick = TimeSpan.FromSeconds(1), s_lastWords = TimeSpan.FromSeconds(1);

    private readonly SessionServices _services;
    private readonly ClientLoop _loop;
    private readonly ITimer _timer;
    private readonly Lock _lock = new();
    private readonly FrameMemory _memory = new();
    private readonly HashSet<OpenedSession> _sessions = [];
    private readonly Dictionary<string, int> _ofKey = new(StringComparer.Ordinal);
    private int _count;
    private int _ticks;
    private int _ticking;
    private bool _stopped;

    /// <summary>Starts the thread and the timer.</summary>
    public SessionServer(SessionServices services)
    {
        _services = services;
        _loop = new ClientLoop("sessions", services.Log);
        _timer = services.Time.CreateTimer(_ => Tick(), null, s_tick, s_tick);
    }

    /// <summary>Sessions that there are now.</summary>
    public int Count
    {
        get
        {
            lock (_lock)
                return _count;
        }
    }

    /// <summary>What long frames have of the node's memory, in pieces.</summary>
    public int MemoryTaken => _memory.Taken;

    /// <inheritdoc/>
    public Task<PreparedSession> OpenAsync(Decision decision, ReadOnlyMemory<byte> envelope, CancellationToken cancellation)
    {
        if (decision is not { Admitted: true, Request: { } request, Body: SessionOpen open })
            throw new ArgumentException("not an admitted opening", nameof(decision));
        try
        {
            return Task.FromResult<PreparedSession>(Open(decision, request, open, envelope.Span));
        }
        catch (BusErrorException e)
        {
            return Refuse(decision, request, e.Error);
        }
        catch (Exception e)
        {
            // The boundary of one opening: a fault is its own.
            _services.Log.Error($"sessions fault={e.GetType().Name} opening message=\"{e.Message}\"");
            return Refuse(decision, request,
                new BusError { Code = ErrorCodes.Internal, Message = "a fault of the node; its log says more", Retryable = true });
        }
    }

    /// <summary>Tells every client that the node ends, for a second at most, and ends all sessions.</summary>
    public void Dispose()
    {
        OpenedSession[] left;
        lock (_lock)
        {
            if (_stopped)
                return;
            _stopped = true;
            left = [.. _sessions];
        }
        _timer.Dispose();
        Array.ForEach(left, s => s.End(new SessionEnd(SessionCloseReason.NodeEnds, "the node's process ends; the machine goes on")));
        Task.WaitAll([.. left.Select(s => s.Done)], s_lastWords);
        Array.ForEach(left, s => s.Abandon());
        _loop.Dispose();
    }

    /// <summary>Ends what is silent, late, or without a grant; every second, and the grants every ten.</summary>
    internal void Tick()
    {
        if (Interlocked.Exchange(ref _ticking, 1) != 0)
            return;
        try
        {
            OpenedSession[] all;
            lock (_lock)
                all = [.. _sessions];
            Array.ForEach(all, s => s.Watch());
            if (++_ticks % SecondsToGrants != 0)
                return;
            foreach (IGrouping<string, OpenedSession> tenant in all.GroupBy(s => s.Tenant, StringComparer.Ordinal))
            {
                if (_services.MayGoOn(tenant.Key))
                    continue;
                foreach (OpenedSession session in tenant)
                    session.End(new SessionEnd(SessionCloseReason.GrantEnded, "the grant ended"));
            }
        }
        catch (Exception e)
        {
            // A store that refuses to say whose grant goes on ends nobody's session: the next tick asks again.
            _services.Log.Error($"sessions fault={e.GetType().Name} tick message=\"{e.Message}\"");
        }
        finally
        {
            Volatile.Write(ref _ticking, 0);
        }
    }

    private OpenedSession Open(Decision decision, Message request, SessionOpen open, ReadOnlySpan<byte> envelope)
    {
        if (!CanonicalBase64.TryDecode(open.Key, SessionKeyPair.Bytes, out byte[] clientKey))
            throw WrongKey();
        string tenant = request.From.Text;
        bool isOwner = (decision.Roles & Roles.Owner) != 0;
        Take(tenant, isOwner);
        try
        {
            Func<CancellationToken, Task<Stream>> connect = _services.Find(Context(decision, request), open);
            string name = RandomNumberGenerator.GetHexString(12, lowercase: true);
            using SessionKeyPair pair = new();
            SessionOpened opened = new() { Session = name, Key = Convert.ToBase64String(pair.PublicKey) };
            byte[] answer = Replies(decision, request).Piece(JsonSerializer.SerializeToElement(opened, BusJson.Default.SessionOpened), end: true);
            // Both as they were signed: a session that was opened for one thing is not continued as another.
            SessionCiphers ciphers = pair.AsNode(clientKey, PayloadOf(envelope), PayloadOf(answer)) ?? throw WrongKey();
            SessionRelay relay = new(ciphers, connect, new FrameShare(_memory, tenant, isOwner), _services.Time);
            OpenedSession session = new(name, tenant, answer, relay, _loop, _services, Remove);
            if (Add(session))
                return session;
            session.Dispose();
        }
        catch
        {
            Give(tenant);
            throw;
        }
        throw Ending();
    }

    private Task<PreparedSession> Refuse(Decision decision, Message request, BusError error) =>
        Task.FromResult<PreparedSession>(new RefusedSession(Replies(decision, request).Refuse(error)));

    private Replies Replies(Decision decision, Message request) => new(_services.Identity, _services.Epoch, request, decision.SealReply);

    private static RequestContext Context(Decision decision, Message request) => new()
    {
        Sender = request.From,
        Roles = decision.Roles,
        Epoch = request.Epoch,
        MessageId = request.Id,
        RememberUntil = decision.RememberUntil,
    };

    private static ReadOnlySpan<byte> PayloadOf(ReadOnlySpan<byte> envelope) => Envelope.TryRead(envelope, out Envelope? read, maxSignatures: 1)
        ? read.Payload : throw new ArgumentException("not the envelope that was admitted", nameof(envelope));

    private static BusErrorException WrongKey() => new(ErrorCodes.Invalid, "not an X25519 public key of 32 bytes with which a secret can be made", "key");

    private static BusErrorException Ending() => new(ErrorCodes.Unavailable, "the node's process ends; ask again in a moment", retryable: true);

    /// <summary>Takes a place of a key.</summary>
    /// <exception cref="BusErrorException">busy, or unavailable when the node ends.</exception>
    private void Take(string key, bool isOwner)
    {
        lock (_lock)
        {
            if (_stopped)
                throw Ending();
            int ofKey = _ofKey.GetValueOrDefault(key);
            if (ofKey >= MaxOfKey)
                throw new BusErrorException(ErrorCodes.Busy, $"you have {MaxOfKey} sessions on this node; end one", retryable: true);
            if (_count >= (isOwner ? Max : Max - OfOwners))
                throw new BusErrorException(ErrorCodes.Busy, $"the node has {_count} sessions; try again later", retryable: true);
            _ofKey[key] = ofKey + 1;
            _count++;
        }
    }

    private void Give(string key)
    {
        lock (_lock)
        {
            _count--;
            if (_ofKey[key] == 1)
                _ofKey.Remove(key);
            else
                _ofKey[key]--;
        }
    }

    private bool Add(OpenedSession session)
    {
        lock (_lock)
            return !_stopped && _sessions.Add(session);
    }

    private void Remove(OpenedSession session)
    {
        lock (_lock)
            _sessions.Remove(session);
        Give(session.Tenant);
    }
}
