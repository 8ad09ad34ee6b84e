using System.Net;

using ZeroOS.Linux;
using ZeroOS.Linux.Netlink;
using ZeroOS.Linux.NetworkNamespaces;
using ZeroOS.Linux.Taps;
using ZeroOS.Workloads;

namespace ZeroOS.Tests.Host.Network;

/// <summary>
/// A guest without a machine: a namespace with a tap of its own, and a thread that carries frames between it and the tap the monitor would hold.
/// </summary>
internal sealed class TapGuest : IDisposable
{
    private readonly EventFd _stop = new();
    private readonly FileDescriptor _near, _far;
    private readonly Thread _thread;

    public TapGuest(MachineNic nic)
    {
        _near = nic.Tap;
        Space = NetworkNamespace.Create("guest");
        _far = Space.Run(() => TapDevice.TryOpen("g0"))!;
        Link card = Space.Route.GetLink("g0");
        Space.Route.ChangeLink(card.Index, new LinkChange { Mac = MacAddress.Parse(nic.Mac), Mtu = nic.Mtu });
        Space.Route.ChangeLink(card.Index, new LinkChange { Up = true });
        string[] address = nic.AddressWithPrefix.Split('/');
        Space.Route.PutAddress(card.Index, IPAddress.Parse(address[0]), int.Parse(address[1], null));
        Space.Route.PutRoute(new Route { Destination = IPNetwork.Parse("0.0.0.0/0"), Gateway = IPAddress.Parse(nic.Gateway), Link = card.Index });
        Space.Route.ChangeLink(Space.Route.GetLink("lo").Index, new LinkChange { Up = true });
        _thread = new Thread(Carry) { IsBackground = true };
        _thread.Start();
    }

    public NetworkNamespace Space { get; }

    /// <summary>Sends a frame as a guest's driver can: whatever bytes it likes.</summary>
    public void Inject(ReadOnlySpan<byte> frame) => _ = _near.TryWrite([.. new byte[TapDevice.HeaderBytes], .. frame], out _);

    public void Dispose()
    {
        _stop.Signal();
        _thread.Join();
        _stop.Dispose();
        _far.Dispose();
        _near.Dispose();
        Space.Dispose();
    }

    private void Carry()
    {
        using Epoll epoll = new();
        epoll.Add(_stop.Descriptor, Readiness.Readable, 0);
        epoll.Add(_near, Readiness.Readable, 1);
        epoll.Add(_far, Readiness.Readable, 2);
        byte[] frame = new byte[70_000];
        Span<(ulong Token, Readiness Ready)> ready = stackalloc (ulong, Readiness)[3];
        while (true)
        {
            int count = epoll.Wait(ready, -1);
            for (int i = 0; i < count; i++)
            {
                if (ready[i].Token == 0)
                    return;
                (FileDescriptor from, FileDescriptor to) = ready[i].Token == 1 ? (_near, _far) : (_far, _near);
                while (from.TryRead(frame, out int length) == Errno.None)
                    _ = to.TryWrite(frame.AsSpan(0, length), out _);
            }
        }
    }
}
