using System.Net;

using ZeroOS.Formats.Dhcp;
using ZeroOS.Linux.Netlink;

namespace ZeroOS.Host.Network.Dhcp;

/// <summary>
/// States of a DHCP client (RFC 2131, figure 5). Probing is ours: a kept lease whose server is silent is used only if nobody else has the address.
/// </summary>
internal enum DhcpState
{
    Stopped, Selecting, Requesting, Rebooting, Probing, Bound, Renewing, Rebinding,
}

/// <summary>A message to send: broadcast, or to the server from our address.</summary>
internal readonly record struct DhcpSend(byte[] Message, IPAddress? Server, IPAddress Source);

/// <summary>
/// The DHCPv4 client of one card as a state machine: time and messages in, messages and a lease out, no I/O. It never gives up; times are
/// since any fixed moment. Client id and identity are the card's MAC, so the address stays over reinstallation (RFC 2131, 4.4).
/// </summary>
internal sealed class DhcpClient(MacAddress hardware, Random random, DhcpLease? kept = null)
{
    private const int MostRequests = 4, MostReboots = 3;
    private static readonly TimeSpan s_first = TimeSpan.FromSeconds(2), s_longest = TimeSpan.FromSeconds(60), s_afterNak = TimeSpan.FromSeconds(1),
        s_probe = TimeSpan.FromSeconds(2);
    private static readonly byte[] s_wanted = [(byte)DhcpOption.SubnetMask, (byte)DhcpOption.Router, (byte)DhcpOption.Resolver, (byte)DhcpOption.Domain,
        (byte)DhcpOption.Mtu, (byte)DhcpOption.TimeServer, (byte)DhcpOption.LeaseTime, (byte)DhcpOption.RenewalTime, (byte)DhcpOption.RebindingTime,
        (byte)DhcpOption.ClasslessRoutes];
    private readonly Queue<DhcpSend> _outgoing = [];
    private DhcpLease? _kept = kept, _offer;
    private uint _transaction;
    private int _attempts, _naks;
    private TimeSpan _began, _bound;

    /// <summary>Where it stands.</summary>
    public DhcpState State { get; private set; } = DhcpState.Stopped;

    /// <summary>What the card shall be configured with, or null.</summary>
    public DhcpLease? Lease { get; private set; }

    /// <summary>The lease is an old one that no server confirmed.</summary>
    public bool IsDegraded { get; private set; }

    /// <summary>The lease, or while it is being confirmed the one that was kept: good enough for its name servers, not for an address.</summary>
    public DhcpLease? Believed => Lease ?? (State is DhcpState.Rebooting or DhcpState.Probing ? _kept : null);

    /// <summary>The address was refused, is another's or ran out: it must go from the card. Not so while a new process confirms what it found there.</summary>
    public bool HasLostAddress { get; private set; }

    /// <summary>When <see cref="Tick"/> wants to be called, or null.</summary>
    public TimeSpan? NextAt { get; private set; }

    /// <summary>The address that nobody may answer for while probing.</summary>
    public IPAddress? Probed => State == DhcpState.Probing ? _kept?.Address : null;

    /// <summary>Takes the next message to send.</summary>
    public bool TryTakeOutgoing(out DhcpSend send) => _outgoing.TryDequeue(out send);

    /// <summary>The card has a carrier: asks for the lease it had, or for any.</summary>
    public void Start(TimeSpan now)
    {
        _kept = Lease ?? _kept;
        if (_kept is null)
            Select(now);
        else
            Enter(DhcpState.Rebooting, now);
    }

    /// <summary>The carrier is gone. The lease stays configured: a cable that is back in a second must not cut guests.</summary>
    public void Stop()
    {
        State = DhcpState.Stopped;
        NextAt = null;
        _outgoing.Clear();
    }

    /// <summary>Somebody else answers for the probed address.</summary>
    public void AddressTaken(TimeSpan now)
    {
        if (State != DhcpState.Probing)
            return;
        _kept = null;
        HasLostAddress = true;
        Select(now);
    }

    /// <summary>Time passed.</summary>
    public void Tick(TimeSpan now)
    {
        if (NextAt is not { } due || now < due)
            return;
        switch (State)
        {
            case DhcpState.Selecting:
                Send(now);
                break;
            case DhcpState.Requesting when _attempts >= MostRequests:
                Select(now);
                break;
            case DhcpState.Rebooting when _attempts >= MostReboots && Lease is not null:
                // The cable was out and no server answers: what we had is still ours until it ends.
                IsDegraded = true;
                Select(now);
                break;
            case DhcpState.Rebooting when _attempts >= MostReboots:
                State = DhcpState.Probing;
                NextAt = now + s_probe;
                break;
            case DhcpState.Probing:
                IsDegraded = true;
                _bound = now;
                Lease = _kept;
                Select(now);
                break;
            case DhcpState.Requesting or DhcpState.Rebooting:
                Send(now);
                break;
            case DhcpState.Bound:
                Enter(DhcpState.Renewing, now);
                break;
            case DhcpState.Renewing when now >= _bound + Lease!.RebindAfter:
                Enter(DhcpState.Rebinding, now);
                break;
            case DhcpState.Rebinding when Lease!.Duration is { } whole && now >= _bound + whole:
                Lease = null;
                HasLostAddress = true;
                Select(now);
                break;
            default:
                Send(now);
                break;
        }
    }

    /// <summary>A DHCP message came; anything but the answer we wait for is ignored.</summary>
    public void Receive(ReadOnlySpan<byte> bytes, TimeSpan now)
    {
        if (State is DhcpState.Stopped or DhcpState.Bound or DhcpState.Probing || !DhcpMessage.TryRead(bytes, out DhcpMessage message)
            || !message.IsReply || message.TransactionId != _transaction || new MacAddress(message.Hardware) != hardware)
            return;
        switch (message.Type)
        {
            case DhcpType.Offer when State == DhcpState.Selecting && DhcpLease.TryRead(message, bytes.ToArray(), out DhcpLease offer):
                _offer = offer;
                Enter(DhcpState.Requesting, now);
                break;
            case DhcpType.Ack when State != DhcpState.Selecting && DhcpLease.TryRead(message, bytes.ToArray(), out DhcpLease lease) && Fits(lease):
                Bind(lease, now);
                break;
            case DhcpType.Nak when State is DhcpState.Renewing or DhcpState.Rebinding or DhcpState.Rebooting or DhcpState.Requesting
                && FromChosenServer(message):
                Lease = null;
                _kept = null;
                IsDegraded = false;
                HasLostAddress = true;
                Select(now);
                _outgoing.Clear();
                // A server that offers and refuses in a circle is not asked without pause.
                NextAt = now + Min(s_afterNak * Math.Pow(2, Math.Min(_naks++, 6)), s_longest);
                break;
        }
    }

    private bool Fits(DhcpLease lease) => State switch
    {
        DhcpState.Requesting => lease.Address.Equals(_offer!.Address) && lease.Server.Equals(_offer.Server),
        DhcpState.Rebooting => lease.Address.Equals(_kept!.Address),
        _ => lease.Address.Equals(Lease!.Address),
    };

    private bool FromChosenServer(DhcpMessage message) => State switch
    {
        DhcpState.Requesting => Equals(message.Address(DhcpOption.ServerId), _offer!.Server),
        DhcpState.Renewing => Equals(message.Address(DhcpOption.ServerId), Lease!.Server),
        _ => true,
    };

    private void Bind(DhcpLease lease, TimeSpan now)
    {
        Lease = lease;
        _kept = lease;
        _naks = 0;
        IsDegraded = false;
        HasLostAddress = false;
        _bound = now;
        State = DhcpState.Bound;
        NextAt = lease.Duration is null ? null : now + lease.RenewAfter;
        _outgoing.Clear();
    }

    private void Select(TimeSpan now) => Enter(DhcpState.Selecting, now);

    private void Enter(DhcpState state, TimeSpan now)
    {
        bool goesOn = state == DhcpState.Requesting;
        State = state;
        _attempts = 0;
        if (!goesOn)
        {
            _transaction = (uint)random.NextInt64(1L << 32);
            _began = now;
        }
        Send(now);
    }

    private void Send(TimeSpan now)
    {
        // Old leases that no server confirms end too.
        if (IsDegraded && Lease?.Duration is { } whole && now >= _bound + whole)
        {
            Lease = null;
            IsDegraded = false;
            HasLostAddress = true;
        }
        _attempts++;
        _outgoing.Enqueue(new DhcpSend(Message(now).Write(), State == DhcpState.Renewing ? Lease!.Server : null,
            State is DhcpState.Renewing or DhcpState.Rebinding ? Lease!.Address : IPAddress.Any));
        NextAt = now + State switch
        {
            // RFC 2131, 4.4.5: half of what is left, but at least a minute.
            DhcpState.Renewing => Half(_bound + Lease!.RebindAfter - now),
            DhcpState.Rebinding => Half(_bound + Lease!.Duration!.Value - now),
            _ => Min(s_first * Math.Pow(2, Math.Min(_attempts - 1, 6)), s_longest) + TimeSpan.FromMilliseconds(random.Next(0, 1000)),
        };
    }

    private DhcpMessage Message(TimeSpan now)
    {
        bool hasAddress = State is DhcpState.Renewing or DhcpState.Rebinding;
        DhcpMessage message = new()
        {
            TransactionId = _transaction,
            Seconds = (ushort)Math.Clamp((now - _began).TotalSeconds, 0, ushort.MaxValue),
            ClientAddress = hasAddress ? Lease!.Address : IPAddress.Any,
            Hardware = hardware.ToBytes(),
        };
        message.With(DhcpOption.Type, (byte)(State == DhcpState.Selecting ? DhcpType.Discover : DhcpType.Request));
        IPAddress? wanted = State switch
        {
            DhcpState.Requesting => _offer!.Address,
            DhcpState.Rebooting or DhcpState.Selecting => _kept?.Address,
            _ => null,
        };
        if (wanted is not null)
            message.With(DhcpOption.RequestedAddress, wanted.GetAddressBytes());
        if (State == DhcpState.Requesting)
            message.With(DhcpOption.ServerId, _offer!.Server.GetAddressBytes());
        return message.With(DhcpOption.ParameterRequestList, s_wanted).With(DhcpOption.MaxSize, 0x05, 0xDC)
            .With(DhcpOption.ClientId, [1, .. hardware.ToBytes()]);
    }

    private static TimeSpan Half(TimeSpan left) =>
        left <= TimeSpan.FromSeconds(60) ? Max(left, TimeSpan.FromSeconds(1)) : Max(left / 2, TimeSpan.FromSeconds(60));

    private static TimeSpan Min(TimeSpan one, TimeSpan other) => one < other ? one : other;

    private static TimeSpan Max(TimeSpan one, TimeSpan other) => one > other ? one : other;
}
