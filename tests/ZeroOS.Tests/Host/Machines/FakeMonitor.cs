using System.Text;
using System.Text.Json;

using Xunit;

using ZeroOS.Contracts.Guest;
using ZeroOS.Contracts.Init;
using ZeroOS.Contracts.Monitor;
using ZeroOS.Linux;
using ZeroOS.Tests.Init;

namespace ZeroOS.Tests.Host.Machines;

/// <summary>The test as a machine's monitor: it has what a monitor is handed.</summary>
internal sealed class FakeMonitor(InitMessage request, FileDescriptor[] descriptors, int pid, InitHarness init)
{
    public InitMessage Request { get; } = request;

    public int Pid { get; } = pid;

    public VmConfig Config { get; } = JsonSerializer.Deserialize(Read(descriptors[0]), MonitorJson.Default.VmConfig)!;

    public SeqPacketSocket Control => new(descriptors[Config.ControlDescriptor - 10]);

    public SeqPacketSocket Chunks => new(descriptors[Config.Disks[0].ChunkDescriptor - 10]);

    public string Text(int number) => Encoding.UTF8.GetString(Read(descriptors[number - 10]));

    public void Serial(string text) => descriptors[Config.SerialDescriptor - 10].Write(Encoding.UTF8.GetBytes(text));

    public void Say(MonitorMessage message, params int[] beside)
        => Assert.Equal(Errno.None, Control.TrySend(JsonSerializer.SerializeToUtf8Bytes(message, MonitorJson.Default.MonitorMessage), beside));

    public MonitorMessage Hear()
    {
        byte[] buffer = new byte[SeqPacketSocket.MaxMessage];
        Assert.Equal(Errno.None, Control.TryReceive(buffer, out int length, out _));
        return JsonSerializer.Deserialize(buffer.AsSpan(0, length), MonitorJson.Default.MonitorMessage)!;
    }

    public FakeGuest Dial(uint port = GuestProtocol.Port)
    {
        (StreamSocket ours, StreamSocket theirs) = StreamSocket.Pair();
        Say(new MonitorMessage { Verb = MonitorVerb.VsockAccepted, Port = port }, theirs.Descriptor.Number);
        theirs.Dispose();
        return new FakeGuest(ours.Descriptor);
    }

    /// <summary>Dials by a control socket that no node made.</summary>
    public static FakeGuest Dial(SeqPacketSocket control)
    {
        (StreamSocket ours, StreamSocket theirs) = StreamSocket.Pair();
        MonitorMessage message = new() { Verb = MonitorVerb.VsockAccepted, Port = GuestProtocol.Port };
        Assert.Equal(Errno.None, control.TrySend(JsonSerializer.SerializeToUtf8Bytes(message, MonitorJson.Default.MonitorMessage), [theirs.Descriptor.Number]));
        theirs.Dispose();
        return new FakeGuest(ours.Descriptor);
    }

    public void End(ProcessExit exit)
    {
        Close();
        init.Ended(exit);
    }

    /// <summary>Closes what it was handed, as its end does.</summary>
    public void Close() => Array.ForEach(descriptors, d => d.Dispose());

    private static byte[] Read(FileDescriptor file)
    {
        byte[] bytes = new byte[file.Length];
        file.ReadExactlyAt(bytes, 0);
        return bytes;
    }
}
