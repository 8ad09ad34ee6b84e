using System.Net.Sockets;

using Xunit;

using ZeroOS.Bus.Gates;
using ZeroOS.Bus.Keys;
using ZeroOS.Bus.Sessions;
using ZeroOS.Contracts.Bus;
using ZeroOS.Contracts.Sessions;
using ZeroOS.Node.Sessions;
using ZeroOS.Tests.Bus;

namespace ZeroOS.Tests.Node.Sessions;

/// <summary>Who may have a session more, with which keys, and what ends all of somebody's.</summary>
public sealed class SessionServerTests
{
    [Fact]
    public async Task Key_has_an_eighth_and_the_last_places_are_for_owners()
    {
        using SessionBench bench = new(Roles.Tenant);
        List<PreparedSession> open = [];
        for (int i = 0; i < SessionServer.MaxOfKey; i++)
            open.Add(await bench.PrepareAsync());
        BusError refused = SessionBench.Refusal(await bench.PrepareAsync());
        Assert.Equal((ErrorCodes.Busy, true), (refused.Code, refused.Retryable));
        while (bench.Server.Count < SessionServer.Max - SessionServer.OfOwners)
        {
            IdentityKey tenant = IdentityKey.Generate();
            for (int i = 0; i < SessionServer.MaxOfKey && bench.Server.Count < SessionServer.Max - SessionServer.OfOwners; i++)
                open.Add(await bench.PrepareAsync(tenant));
        }
        Assert.Equal(ErrorCodes.Busy, SessionBench.Refusal(await bench.PrepareAsync(IdentityKey.Generate())).Code);

        GateBench owners = SessionBench.NewGate(Roles.OwnerOrTenant);
        IdentityKey owner = IdentityKey.Generate();
        for (int i = 0; i < SessionServer.OfOwners; i++)
            open.Add(await bench.PrepareAsync(owner, gate: owners));
        Assert.All(open, o => Assert.True(o.IsOpen));
        Assert.Equal(SessionServer.Max, bench.Server.Count);
        Assert.Equal(ErrorCodes.Busy, SessionBench.Refusal(await bench.PrepareAsync(owner, gate: owners)).Code);

        open[0].Dispose();
        open[0].Dispose();      // twice gives one place back
        Assert.Equal(SessionServer.Max - 1, bench.Server.Count);
    }

    [Fact]
    public async Task Two_thousand_sessions_leave_nothing_behind()
    {
        using SessionBench bench = new();
        bench.Find = (_, _) => async cancellation =>
        {
            Stream stream = await bench.ConnectAsync(cancellation);
            bench.Guest().Socket.Dispose();
            return stream;
        };
        for (int i = 0; i < 2000; i++)
        {
            if (i % 20 != 0)
            {
                using PreparedSession never = await bench.PrepareAsync();
                Assert.True(never.IsOpen);
                continue;
            }
            TestClient client = await bench.OpenAsync();
            client.Begin();
            client.Socket.Dispose();
        }
        bench.AssertLeft(0);
        Assert.Empty(bench.Log);
    }

    [Fact]
    public async Task Session_whose_connection_never_comes_gives_its_place_back()
    {
        using SessionBench bench = new();
        PreparedSession opened = await bench.PrepareAsync();
        bench.Gate.Clock.Advance(OpenedSession.ConnectionWithin + TimeSpan.FromSeconds(1));
        bench.Server.Tick();
        Assert.Equal(0, bench.Server.Count);
        using Socket late = new(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        opened.Run(late);
        Assert.Throws<ObjectDisposedException>(() => late.Available);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(31)]
    [InlineData(33)]
    [InlineData(32)]
    public async Task Key_that_is_none_is_refused_and_takes_no_place(int bytes)
    {
        // 32 zeros are a point of low order: no secret comes of it.
        using SessionBench bench = new();
        BusError refused = SessionBench.Refusal(await bench.PrepareAsync(key: new byte[bytes]));
        Assert.Equal((ErrorCodes.Invalid, "key"), (refused.Code, refused.Path));
        Assert.Equal(0, bench.Server.Count);
    }

    [Fact]
    public async Task Refusal_of_the_engine_is_signed_and_a_fault_of_ours_tells_nothing()
    {
        using SessionBench bench = new();
        bench.Find = (_, _) => throw new BusErrorException(ErrorCodes.NotFound, "you have no deployment \"shop\" on this node", "deployment");
        Assert.Equal((ErrorCodes.NotFound, "deployment"), SessionBench.Refusal(await bench.PrepareAsync()) is var e ? (e.Code, e.Path) : default);
        bench.Find = (_, _) => throw new InvalidOperationException("a secret of the node");
        BusError fault = SessionBench.Refusal(await bench.PrepareAsync());
        Assert.Equal(ErrorCodes.Internal, fault.Code);
        Assert.DoesNotContain("secret", fault.Message, StringComparison.Ordinal);
        Assert.Equal(0, bench.Server.Count);
        Assert.Equal((bench.Gate.Alice.Id.Text, "web"), (bench.AskedFor[0].Tenant, bench.AskedFor[0].Open.Machine));
    }

    [Fact]
    public async Task Grant_that_ends_closes_the_sessions_of_its_tenant_alone()
    {
        using SessionBench bench = new();
        TestClient alices = await bench.OpenAsync();
        TestClient mallorys = await bench.OpenAsync(from: bench.Gate.Mallory);
        bench.MayGoOn = tenant => tenant != bench.Gate.Alice.Id.Text;
        for (int i = 0; i < 10; i++)
            bench.Server.Tick();
        Assert.Equal((SessionCloseReason.GrantEnded, "the grant ended"), await alices.CloseAsync());
        alices.Socket.Dispose();
        bench.AssertLeft(1);
        mallorys.Begin();
        for (int i = 0; i < 1000 && bench.Connects == 0; i++)
            await Task.Delay(1);
        Assert.Equal(1, bench.Connects);
    }

    [Fact]
    public async Task Store_that_does_not_answer_ends_nobodys_session()
    {
        using SessionBench bench = new();
        TestClient client = await bench.OpenAsync();
        bench.MayGoOn = _ => throw new InvalidDataException("the disk is gone");
        for (int i = 0; i < 20; i++)
            bench.Server.Tick();
        Assert.Equal(1, bench.Server.Count);
        Assert.Contains(bench.Log, l => l.Contains("the disk is gone", StringComparison.Ordinal));
        client.Socket.Dispose();
    }

    [Fact]
    public async Task Node_that_ends_says_so_to_everybody_and_opens_no_more()
    {
        using SessionBench bench = new();
        TestClient begun = await bench.OpenAsync(), idle = await bench.OpenAsync();
        begun.Begin();
        for (int i = 0; i < 1000 && bench.Connects == 0; i++)
            await Task.Delay(1);
        Task ends = Task.Run(bench.Server.Dispose);
        Assert.Equal(SessionCloseReason.NodeEnds, (await begun.CloseAsync())?.Reason);
        Assert.Equal(SessionCloseReason.NodeEnds, (await idle.CloseAsync())?.Reason);
        TestGuest guest = bench.Guest();
        guest.ExpectBegin();
        Assert.Equal(SessionCloseReason.NodeEnds, guest.ExpectClose());
        // Nobody hangs up: a second is all it waits.
        await ends.WaitAsync(SessionBench.Soon);
        bench.AssertLeft(0);
        Assert.Equal(ErrorCodes.Unavailable, SessionBench.Refusal(await bench.PrepareAsync()).Code);
    }

    [Fact]
    public async Task Descriptor_that_is_no_tcp_connection_ends_its_own_session()
    {
        using SessionBench bench = new();
        PreparedSession opened = await bench.PrepareAsync();
        opened.Run(new Socket(AddressFamily.Unix, SocketType.Dgram, ProtocolType.Unspecified));
        bench.AssertLeft(0);
    }

    [Fact]
    public async Task Opening_that_was_here_before_opens_nothing()
    {
        using SessionBench bench = new();
        using SessionKeyPair pair = new();
        (_, byte[] envelope) = SessionBench.Ask(bench.Gate, bench.Gate.Alice, pair.PublicKey.ToArray());
        Decision again = bench.Gate.Gate.Admit(envelope);
        Assert.Equal(ErrorCodes.Replayed, again.Error?.Code);
        await Assert.ThrowsAsync<ArgumentException>(() => bench.Server.OpenAsync(again, envelope, default));
    }
}
