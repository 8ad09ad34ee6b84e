using System.Diagnostics;
using System.Text;

using Xunit;

using ZeroOS.Contracts.Guest;
using ZeroOS.Linux;
using ZeroOS.Workloads;

namespace ZeroOS.Tests.Host.Machines;

/// <summary>
/// Random messages of a monitor, beside random descriptors at full rate, and random frames of its guest. Whatever comes, another machine of the node is
/// heard, and in the end the process has the threads and descriptors that it had before.
/// </summary>
internal static class MonitorFuzz
{
    private const int CheckEvery = 64, MaxOpen = 24;

    private static readonly string[] s_messages =
    [
        """{"verb":"VsockAccepted","port":1024}""", """{"verb":"VsockAccepted","port":1024}""", """{"verb":"VsockAccepted","port":22}""",
        """{"verb":"VsockAccepted"}""",
        """{"verb":"State","state":"Running"}""", """{"verb":"State","state":"Ended","reason":"x\u001b"}""", """{"verb":"Statistics","counters":{"a":1}}""",
        """{"verb":"Hello"}""", """{"verb":"Kill"}""", "{", "null", "[]", "\0",
    ];

    /// <summary>Runs until the time is over, at least one round. The seed reproduces the messages, not their timing.</summary>
    public static void Run(int seed, TimeSpan time)
    {
        Random random = new(seed);
        Stopwatch clock = Stopwatch.StartNew();
        ProcessCounts before = ProcessCounts.Now;
        using (MachineHarness node = new())
        {
            CountedEvents events = new();
            node.Machines.Events = events;
            FakeMonitor honest = node.Start(new WorkloadId("tenant", "shop", "honest")), evil = node.Start();
            using FakeGuest zguest = honest.Dial();
            zguest.TakeSpec(out _);
            Queue<StreamSocket> open = new();
            int ended = 0;
            for (long round = 0; round == 0 || clock.Elapsed < time; round++)
            {
                for (int i = 0; i < CheckEvery; i++)
                    Say(random, evil, open);
                zguest.Log(round, 1, "x");
                events.Wait(output: round + 1, what: $"seed {seed} round {round}");
                if (!node.Jailer.Killed.TryTake(out _))
                    continue;
                evil.End(new ProcessExit(evil.Pid, 0, 9));
                events.Wait(ended: ++ended, what: $"seed {seed} round {round}");
                node.Machines.Acknowledge(MachineHarness.Id);
                while (node.Jailer.Killed.TryTake(out _))
                {
                }
                evil = node.Start();
            }
            foreach (StreamSocket socket in open)
                socket.Dispose();
            honest.Close();
            evil.Close();
        }
        before.AssertReturns();
    }

    private static void Say(Random random, FakeMonitor monitor, Queue<StreamSocket> open)
    {
        byte[] message = Encoding.UTF8.GetBytes(s_messages[random.Next(s_messages.Length)]);
        if (random.Next(8) == 0)
            message[random.Next(message.Length)] = (byte)random.Next(256);
        List<FileDescriptor> beside = [];
        for (int count = random.Next(8) == 0 ? random.Next(4) : 1; count > 0; count--)
        {
            if (random.Next(16) == 0)
            {
                beside.Add(DescriptorKinds.Make(DescriptorKinds.All[random.Next(DescriptorKinds.All.Length)]));
                continue;
            }
            (StreamSocket guest, StreamSocket node) = StreamSocket.Pair();
            beside.Add(node.Descriptor);
            open.Enqueue(guest);
            for (int frames = random.Next(6); frames > 0; frames--)
                _ = guest.TrySendNow(Frame(random), out _);
        }
        _ = monitor.Control.TrySend(message, [.. beside.Select(d => d.Number)], wait: false);
        beside.ForEach(d => d.Dispose());
        while (open.Count > MaxOpen)
            open.Dequeue().Dispose();
    }

    private static byte[] Frame(Random random)
    {
        byte[] payload = random.Next(4) switch
        {
            0 => """{"version":1,"hasSpec":false,"running":false}"""u8.ToArray(),
            1 => new byte[GuestProtocol.SecretBytes],
            2 => """{"code":0}"""u8.ToArray(),
            _ => new byte[random.Next(64)],
        };
        byte[] frame = GuestFrameBuffer.Frame((GuestFrameType)random.Next(1, 14), (uint)random.Next(4), payload);
        if (random.Next(8) == 0)
            frame[random.Next(GuestProtocol.HeaderSize)] = (byte)random.Next(256);
        return frame;
    }

    private sealed class CountedEvents : IMachineEvents
    {
        private long _output;
        private int _ended;

        public void Wait(string what, long output = 0, int ended = 0) => Assert.True(
            SpinWait.SpinUntil(() => Volatile.Read(ref _output) >= output && Volatile.Read(ref _ended) >= ended, TimeSpan.FromSeconds(30)), what);

        public void Started(WorkloadId machine)
        {
        }

        public void Ended(WorkloadId machine, MachineEnd end) => Interlocked.Increment(ref _ended);

        public void Output(WorkloadId machine, long offset, OutputStream stream, ReadOnlySpan<byte> bytes)
        {
            if (machine.Name == "honest")
                Interlocked.Add(ref _output, bytes.Length);
        }

        public void Health(WorkloadId machine, GuestHealthReport report)
        {
        }

        public long OutputWantedFrom(WorkloadId machine) => 0;
    }
}
