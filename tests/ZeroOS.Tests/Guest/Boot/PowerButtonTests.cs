using System.Buffers.Binary;

using Xunit;

using ZeroOS.Guest.Boot;
using ZeroOS.Linux;

namespace ZeroOS.Tests.Guest.Boot;

public sealed class PowerButtonTests
{
    private const ushort Key = 1, Power = 116;

    [Fact]
    public void Only_the_power_keys_press_counts_and_the_end_of_the_device_ends_the_watch()
    {
        (FileDescriptor read, FileDescriptor write) = Pipe.Make();
        // Synchronisation, another key, the press, its repetition, its release, another press, half an event.
        foreach ((ushort type, ushort code, int value) in ((ushort, ushort, int)[])[(0, 0, 0), (Key, 30, 1), (Key, Power, 1), (Key, Power, 2),
            (Key, Power, 0), (Key, Power, 1)])
            write.Write(Event(type, code, value));
        write.Write(Event(Key, Power, 1).AsSpan(0, 10));
        write.Dispose();
        int pressed = 0;
        PowerButton.Run(read, () => pressed++);
        Assert.Equal(2, pressed);
        Assert.True(read.IsClosed);
    }

    private static byte[] Event(ushort type, ushort code, int value)
    {
        byte[] e = new byte[24];
        BinaryPrimitives.WriteUInt16LittleEndian(e.AsSpan(16), type);
        BinaryPrimitives.WriteUInt16LittleEndian(e.AsSpan(18), code);
        BinaryPrimitives.WriteInt32LittleEndian(e.AsSpan(20), value);
        return e;
    }
}
