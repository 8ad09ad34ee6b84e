using System.Text;

using Xunit;

using ZeroOS.Linux;
using ZeroOS.Vmm.Devices.Serial;
using ZeroOS.Vmm.Events;

namespace ZeroOS.Tests.Vmm.Devices;

public sealed class SerialPortTests : IDisposable
{
    private const int Data = 0, InterruptEnable = 1, Identify = 2, LineControl = 3, ModemControl = 4, LineStatus = 5, ModemStatus = 6, Scratch = 7;
    private const int Ring = 64 * 1024;
    private readonly EventLoop _loop = new();

    public void Dispose() => _loop.Dispose();

    [Fact]
    public void What_the_guest_writes_comes_out_in_order_and_the_transmitter_is_always_empty()
    {
        (FileDescriptor read, FileDescriptor write) = Pipe.NonBlocking();
        using SerialPort port = new(_loop, write, null);
        Print(port, "hello");
        Assert.Equal(0x60, Read(port, LineStatus));
        while (_loop.Turn(0))
        {
        }
        byte[] bytes = new byte[16];
        Assert.Equal("hello", Encoding.ASCII.GetString(bytes, 0, read.Read(bytes)));
        read.Dispose();
        write.Dispose();
    }

    [Fact]
    public void A_reader_that_does_not_read_costs_bytes_and_never_time()
    {
        (FileDescriptor read, FileDescriptor write) = Pipe.NonBlocking();
        using SerialPort port = new(_loop, write, null);
        for (int i = 0; i < 4 * Ring; i++)
            port.Write(Data, [(byte)'x']);
        for (int turns = 0; _loop.Turn(0); turns++)
            Assert.True(turns < 1000, "the loop spins");
        Assert.Equal(4 * Ring, port.Bytes);
        Assert.Equal(3 * Ring, port.Dropped);
        read.Dispose();
        for (int turns = 0; _loop.Turn(0) && turns < 10; turns++)
        {
        }
        Assert.False(_loop.Turn(0));
        write.Dispose();
    }

    [Fact]
    public void The_interrupt_comes_when_it_is_enabled_and_with_each_byte_and_is_named_once()
    {
        using SerialPort port = new(_loop, null, null);
        port.Write(Data, [1]);
        Assert.Equal(0u, port.Interrupt.Take());
        port.Write(InterruptEnable, [2]);
        Assert.Equal(1u, port.Interrupt.Take());
        Assert.Equal((2, 1), (Read(port, Identify), Read(port, Identify)));
        port.Write(Data, [1]);
        Assert.Equal(1u, port.Interrupt.Take());
    }

    [Fact]
    public void Registers_read_back_as_a_driver_that_looks_for_a_16550_expects()
    {
        using SerialPort port = new(_loop, null, null);
        port.Write(Scratch, [0xa5]);
        Assert.Equal(0xa5, Read(port, Scratch));
        port.Write(Identify, [1]);
        Assert.Equal(0xc1, Read(port, Identify));
        port.Write(LineControl, [0x83]);
        port.Write(Data, [0x0c]);
        port.Write(InterruptEnable, [0x01]);
        Assert.Equal((0x0c, 0x01), (Read(port, Data), Read(port, InterruptEnable)));
        port.Write(LineControl, [3]);
        Assert.Equal((0, 0), (Read(port, Data), Read(port, InterruptEnable)));
        port.Write(ModemControl, [0x1a]);
        Assert.Equal(0x90, Read(port, ModemStatus));
    }

    [Fact]
    public void Any_register_with_any_value_and_width_is_survived()
    {
        Random random = new(5);
        using SerialPort port = new(_loop, null, new PanicWatcher().Next);
        byte[] data = new byte[8];
        for (int i = 0; i < 100_000; i++)
        {
            random.NextBytes(data);
            Span<byte> part = data.AsSpan(0, 1 << random.Next(4));
            if (random.Next(2) == 0)
                port.Write((ulong)random.Next(8), part);
            else
                port.Read((ulong)random.Next(8), part);
            if (random.Next(1000) == 0)
                _loop.Turn(0);
        }
        Assert.True(port.Bytes > 0);
    }

    [Fact]
    public void A_panics_line_is_the_reason_and_the_first_one_counts()
    {
        PanicWatcher watcher = new();
        foreach (byte b in "[ 1.0] Kernel panic - not syncing: no \u0001 init\nKernel panic - not syncing: second\n"u8)
            watcher.Next(b);
        Assert.Equal("Kernel panic - not syncing: no   init", watcher.Reason);
    }

    private static void Print(SerialPort port, string text)
    {
        foreach (char c in text)
            port.Write(Data, [(byte)c]);
    }

    private static byte Read(SerialPort port, ulong register)
    {
        byte[] value = new byte[1];
        port.Read(register, value);
        return value[0];
    }
}
