using System.Diagnostics;
using System.Text;
using System.Text.Json;

using Xunit.Abstractions;

using ZeroOS.Bus.Client;
using ZeroOS.Bus.Envelopes;
using ZeroOS.Bus.Keys;
using ZeroOS.Bus.Messages;
using ZeroOS.Bus.Sessions;
using ZeroOS.Contracts.Bus;
using ZeroOS.Contracts.Sessions;
using ZeroOS.SystemTests.Bench;

namespace ZeroOS.SystemTests;

/// <summary>
/// Attacks on the sessions of a booted node, as docs/sessions.md names them: from the wire, by a client that takes nothing, by a process of the guest, and by
/// who has no right to a session. A grant that ends is played by SessionServerTests: here no time server says that its time has come.
/// </summary>
public sealed class SessionAttackTests(ITestOutputHelper output)
{
    private const uint Input = 0, Output = 1;
    private const int Stalled = 16, Opened = 300;

    // Dials the host's port of sessions without knowing a token, over and over, with 64 connections at once.
    private const string Dialler = """
        $| = 1; $SIG{PIPE} = "IGNORE"; my @open; my $count = 0;
        while (1) {
            socket my $s, 40, 1, 0 or next;
            connect $s, pack "SSLLx4", 40, 0, 1025, 2 or next;
            syswrite $s, "x" x 48;
            push @open, $s; shift @open if @open > 64;
            print "dialled\n" if ++$count == 64;
        }
        """;

    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(60);
    private static readonly MachineName s_machine = new() { Deployment = "web", Machine = "nginx" };

    [Fact]
    public async Task Every_attack_on_a_session_ends_that_session_at_most()
    {
        await using World world = await World.Make("session-attacks", 8080);
        Zos tenant = new(Path.Combine(world.Folder, "tenant"));
        await tenant.NewKey();
        await world.Publish("nginx");
        await world.Boot();
        await world.Pin(world.Owner);
        await world.Pin(tenant);
        using IdentityKey owner = Key("owner"), stranger = IdentityKey.Generate(), neighbour = IdentityKey.Generate();
        using IdentityKey victim = Key("tenant");
        await world.Grant(victim.Id.Text, "8080");
        await world.Grant(neighbour.Id.Text, "8081");
        await tenant.Ok("deploy", Checkout.Path("examples", "web.yaml"), "--registry", $"demo={world.Registry.Here}");
        Assert.True(KeyId.TryParse(world.NodeKey, out KeyId? node));
        using HttpTransport wire = new("127.0.0.1", world.Ports[8051], TimeSpan.FromSeconds(10));
        BusClient ownersClient = new(owner, node, wire, TimeProvider.System);

        // Who has no grant, who has one and another's machine, and a kind that there is not.
        Assert.Equal(ErrorCodes.Denied, await RefusalOf(new BusClient(stranger, node, wire, TimeProvider.System), SessionKinds.Exec));
        Assert.Equal(ErrorCodes.NotFound, await RefusalOf(new BusClient(neighbour, node, wire, TimeProvider.System), SessionKinds.Exec));
        Assert.Equal(ErrorCodes.Invalid, await RefusalOf(new BusClient(victim, node, wire, TimeProvider.System), "move"));

        await OnTheWire(victim, node, wire);
        await ByClientsThatTakeNothing(victim, node, wire, ownersClient, tenant);
        await ByManyOpenings(victim, node, wire, tenant);
        await ByAProcessOfTheGuest(ownersClient, tenant);
        Assert.DoesNotContain("door ended", world.Node.Serial, StringComparison.Ordinal);
        Assert.DoesNotContain("fault=", world.Node.Serial, StringComparison.Ordinal);

        IdentityKey Key(string person) => KeyFile.Open(Path.Combine(world.Folder, person, "key"), () => "");
    }

    /// <summary>Somebody between client and node, who cannot read and changes what is sent.</summary>
    private static async Task OnTheWire(IdentityKey key, KeyId node, HttpTransport wire)
    {
        byte[] foreign = [];
        (string Name, string Arrives, Func<byte[], byte[][]> Change)[] attacks =
        [
            ("recorded", "one two three ", frame => [foreign = frame]),
            ("changed", "one ", frame => [[.. frame[..^1], (byte)(frame[^1] ^ 1)]]),
            ("dropped", "one ", _ => []),
            ("repeated", "one two ", frame => [frame, frame]),
            ("cut", "one ", frame => [frame[..(frame.Length / 2)]]),
            ("foreign", "one ", _ => [foreign]),
        ];
        foreach ((string name, string arrives, Func<byte[], byte[][]> change) in attacks)
        {
            TamperedWire tampered = new(wire)
            {
                Change = (number, frame) => number == 2 ? change(frame) : number > 2 && name == "cut" ? [] : [frame],
            };
            await Write(new BusClient(key, node, tampered, TimeProvider.System), name, name == "recorded");
            await Holds(key, node, wire, name, arrives);
            // What opened a session opens none again, whether it ended well or not.
            SessionAnswer again = await wire.OpenAsync(tampered.Openings[^1], default);
            Assert.Null(again.Stream);
            Assert.True(Envelope.TryRead(again.Line.Span, out Envelope? envelope) && Message.TryRead(envelope, out _));
            Assert.True(Message.TryRead(envelope, out Message? refusal));
            Assert.Equal(ErrorCodes.Replayed, refusal.Error?.Code);
        }
        byte[]? held = null;
        TamperedWire reordering = new(wire)
        {
            Change = (number, frame) =>
            {
                if (number != 2)
                    return held is { } former && number == 3 ? [frame, former] : [frame];
                held = frame;
                return [];
            },
        };
        await Write(new BusClient(key, node, reordering, TimeProvider.System), "reordered", whole: false);
        await Holds(key, node, wire, "reordered", "one ");
    }

    /// <summary>
    /// Sends three words to a program that writes them to a file of its own, two of them when it has said the first again; they arrive whole, or the session
    /// breaks.
    /// </summary>
    private static async Task Write(BusClient client, string name, bool whole)
    {
        await using Session session = await Exec(client, "sh", "-c", $"tee /tmp/{name}; echo over >/tmp/{name}.over");
        await session.WriteAsync(Input, "one "u8.ToArray());
        byte[] one = new byte[4];
        Assert.Equal(one.Length, await session.ReadAsync(Output, one).WaitAsync(s_patience));
        try
        {
            await session.WriteAsync(Input, "two "u8.ToArray());
            await session.WriteAsync(Input, "three "u8.ToArray());
            await session.EndAsync(Input);
        }
        catch (SessionException) when (!whole)
        {
            return;
        }
        if (whole)
        {
            Assert.Equal(0, await session.ExitCodeAsync(Input).WaitAsync(s_patience));
        }
        else if (name != "cut")
        {
            SessionException end = await session.Ended.WaitAsync(s_patience);
            Assert.True(end.Reason == SessionCloseReason.Protocol, $"{name}: {end.Reason} {end.Message}");
        }
    }

    /// <summary>The program has heard that its session is over, and got what came before the attack.</summary>
    private static async Task Holds(IdentityKey key, KeyId node, HttpTransport wire, string name, string arrives)
    {
        BusClient client = new(key, node, wire, TimeProvider.System);
        await Eventually.Get($"the program of \"{name}\" to end", s_patience, async () =>
            await OutputOf(client, "sh", "-c", $"cat /tmp/{name}.over; kill -0 1") == "over\n" ? "over" : null);
        // What came just before the end may be forgotten with the session; what came after is never there.
        string came = await OutputOf(client, "cat", $"/tmp/{name}");
        Assert.True(came == arrives || (name == "repeated" && came == "one "), $"{name}: \"{came}\"");
    }

    /// <summary>Clients that grant all the room there is and read no more; everybody else is served as ever.</summary>
    private async Task ByClientsThatTakeNothing(IdentityKey key, KeyId node, HttpTransport wire, BusClient owner, Zos tenant)
    {
        TamperedWire stalling = new(wire) { ReadsAtMost = 4096 };
        List<Session> sessions = [];
        for (int i = 0; i < Stalled; i++)
        {
            Session session = await Exec(new BusClient(key, node, stalling, TimeProvider.System), "yes");
            sessions.Add(session);
            await session.SetWindowAsync(Output, SessionLimits.WindowBytes);
        }
        TimeSpan longest = TimeSpan.Zero;
        for (int i = 0; i < 10; i++)
        {
            Stopwatch watch = Stopwatch.StartNew();
            await owner.CallAsync(Commands.NodeStatus, default);
            longest = watch.Elapsed > longest ? watch.Elapsed : longest;
        }
        World.Figure(output, $"longest node status beside {Stalled} sessions that read nothing", longest.TotalSeconds, "s");
        Assert.InRange(longest, TimeSpan.Zero, TimeSpan.FromSeconds(2));
        Assert.Equal("here", (await tenant.Run(s_patience, "exec", "web/nginx", "echo", "here")).Ok());
        foreach (Session session in sessions)
            await session.DisposeAsync();
        await Eventually.Get("the programs to end", s_patience, async () =>
        {
            CommandResult running = await tenant.Run(s_patience, "exec", "web/nginx", "sh", "-c", "cat /proc/[0-9]*/comm");
            return running.Output.Contains("yes", StringComparison.Ordinal) ? null : "ended";
        });
    }

    /// <summary>Openings that are not gone on with, one after the other: more than a key has places. Each gives its place back.</summary>
    private async Task ByManyOpenings(IdentityKey key, KeyId node, HttpTransport wire, Zos tenant)
    {
        BusClient client = new(key, node, wire, TimeProvider.System);
        Stopwatch watch = Stopwatch.StartNew();
        int busy = 0;
        for (int i = 0; i < Opened; i++)
        {
            try
            {
                await using Session session = await client.OpenSessionAsync(SessionKinds.Exec, s_machine, 3, default);
            }
            catch (BusErrorException e) when (e.Error.Code == ErrorCodes.Busy)
            {
                busy++;
                await Task.Delay(100);
            }
        }
        World.Figure(output, "openings a second", Opened / watch.Elapsed.TotalSeconds, "1/s");
        output.WriteLine($"{busy} of {Opened} openings were asked to come later");
        Assert.Equal("here", (await tenant.Run(s_patience, "exec", "web/nginx", "echo", "here")).Ok());
    }

    /// <summary>
    /// A process that dials the port of sessions gets none. It can keep its own machine from having sessions, which then says so; the node answers as ever, and
    /// the machine is as before when it is gone.
    /// </summary>
    private async Task ByAProcessOfTheGuest(BusClient owner, Zos tenant)
    {
        Task<CommandResult> dialler = tenant.Run(s_patience, "exec", "web/nginx", "sh", "-c", "timeout -s KILL 12 perl -e '" + Dialler + "'");
        Stopwatch all = Stopwatch.StartNew();
        int served = 0, refused = 0;
        TimeSpan longest = TimeSpan.Zero;
        while (!dialler.IsCompleted)
        {
            Stopwatch watch = Stopwatch.StartNew();
            await owner.CallAsync(Commands.NodeStatus, default);
            longest = watch.Elapsed > longest ? watch.Elapsed : longest;
            CommandResult beside = await tenant.Run(s_patience, "exec", "web/nginx", "echo", "here");
            served += beside.ExitCode == 0 ? 1 : 0;
            refused += beside.ExitCode == 125 ? 1 : 0;
            Assert.True(beside.ExitCode is 0 or 125, $"exit {beside.ExitCode}: {beside.Error}");
        }
        CommandResult flood = await dialler;
        Assert.Equal((137, "dialled\n"), (flood.ExitCode, flood.Output));
        output.WriteLine($"beside a process that dials: {served} sessions served, {refused} refused, in {all.Elapsed.TotalSeconds:0} s");
        World.Figure(output, "longest node status beside a process that dials", longest.TotalSeconds, "s");
        Assert.InRange(longest, TimeSpan.Zero, TimeSpan.FromSeconds(2));
        Assert.Equal("here", (await tenant.Run(s_patience, "exec", "web/nginx", "echo", "here")).Ok());
    }

    private static async Task<Session> Exec(BusClient client, params string[] arguments)
    {
        Session session = await client.OpenSessionAsync(SessionKinds.Exec, s_machine, 3, default);
        await session.BeginAsync(JsonSerializer.SerializeToUtf8Bytes(new ExecBegin { Arguments = arguments, Input = true }, SessionJson.Default.ExecBegin));
        return session;
    }

    private static async Task<string> OutputOf(BusClient client, params string[] arguments)
    {
        await using Session session = await Exec(client, arguments);
        await session.EndAsync(Input);
        byte[] buffer = new byte[4096];
        int length = 0;
        while (await session.ReadAsync(Output, buffer.AsMemory(length)).WaitAsync(s_patience) is > 0 and int count)
            length += count;
        return Encoding.UTF8.GetString(buffer, 0, length);
    }

    private static async Task<string> RefusalOf(BusClient client, string kind)
    {
        BusErrorException refused = await Assert.ThrowsAsync<BusErrorException>(() => client.OpenSessionAsync(kind, s_machine, 3, default));
        return refused.Error.Code;
    }
}
