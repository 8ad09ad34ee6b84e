using System.Buffers.Binary;
using System.Diagnostics;

using Xunit;

using ZeroOS.Tests.Vmm.Virtio;
using ZeroOS.Vmm.Devices.Rng;
using ZeroOS.Vmm.Events;
using ZeroOS.Vmm.Virtio;

namespace ZeroOS.Tests.Vmm.Fuzz;

/// <summary>
/// A processor and the event loop at once: accesses of every width anywhere in a function's BAR, rings and descriptors that change while the device reads them,
/// resets under load, and between them a driver that brings the device up as it should.
/// </summary>
public static class TransportFuzz
{
    private const ushort Size = 64;
    private const int Command = 0x14, DeadlineMs = 10_000;
    private static readonly byte[] s_reset = [0];

    /// <summary>Plays that many operations.</summary>
    public static void Run(int seed, int operations)
    {
        Random random = new(seed);
        PlayedDriver driver = new();
        using EventLoop loop = new();
        RngDevice device = new();
        VirtioPciFunction function = new(device, driver.Memory, null, loop);
        Exception? thrown = null;
        Thread thread = new(() =>
        {
            try
            {
                loop.Run();
            }
            catch (Exception e)
            {
                thrown = e;
            }
        });
        thread.Start();
        int started = 0;
        for (int i = 0; i < operations; i++)
        {
            if (random.Next(100) == 0)
                started += BringUp(function, driver) ? 1 : 0;
            Step(function, driver, random);
        }
        bool resets = TryReset(function);
        loop.Stop();
        thread.Join();
        Assert.True(thrown is null, $"seed {seed}: {thrown}");
        Assert.True(resets, $"seed {seed}: the device does not reset");
        Assert.True(started > 0 && device.Counters.Bytes > 0, $"seed {seed}: the device has done nothing");
    }

    private static void Step(VirtioPciFunction function, PlayedDriver driver, Random random)
    {
        byte[] data = new byte[1 << random.Next(4)];
        random.NextBytes(data);
        ulong offset = (ulong)random.Next((int)VirtioPciFunction.BarBytes - 8);
        switch (random.Next(10))
        {
            case 0:
                function.Read(offset, data);
                break;
            case 1:
                function.Write(offset, data);
                break;
            case 2:
                function.Write((ulong)random.Next(CommonConfig.Size), data);
                break;
            case 3:
                driver.Descriptor(0, random.Next(Size), (ulong)random.Next(0x40000, 0x250000), (uint)random.Next(5000), (ushort)random.Next(8),
                    (ushort)random.Next(Size + 1));
                break;
            case 4 when random.Next(20) == 0:
                driver.SetAvailableIndex(0, (ushort)random.Next(1 << 16));
                break;
            case 5:
                function.WriteConfig(random.Next(256), data);
                break;
            default:
                driver.Send(0, Size, [], [random.Next(1, 400)]);
                function.Write(VirtioPciFunction.NotifyOffset, [0, 0]);
                break;
        }
    }

    // As a driver does it (virtio 1.2, 3.1.1).
    private static bool BringUp(VirtioPciFunction function, PlayedDriver driver)
    {
        if (!TryReset(function))
            return false;
        driver.Bytes.AsSpan(0, 0x40000).Clear();
        driver.SetAvailableIndex(0, 0);
        driver.Restart();
        function.Write(Command, [1]);
        function.Write(Command, [3]);
        Word(function, 8, 1);
        Word(function, 12, 1);
        function.Write(Command, [11]);
        QueueLayout layout = PlayedDriver.Layout(0, Size);
        function.Write(0x16, [0, 0]);
        Word(function, 0x20, (uint)layout.Descriptors);
        Word(function, 0x24, 0);
        Word(function, 0x28, (uint)layout.Available);
        Word(function, 0x2c, 0);
        Word(function, 0x30, (uint)layout.Used);
        Word(function, 0x34, 0);
        function.Write(0x1c, [1, 0]);
        function.Write(Command, [15]);
        byte[] status = new byte[1];
        function.Read(Command, status);
        return status[0] == 15;
    }

    private static bool TryReset(VirtioPciFunction function)
    {
        function.Write(Command, s_reset);
        byte[] status = new byte[1];
        for (Stopwatch waited = Stopwatch.StartNew(); waited.ElapsedMilliseconds < DeadlineMs; Thread.Yield())
        {
            function.Read(Command, status);
            if (status[0] == 0)
                return true;
        }
        return false;
    }

    private static void Word(VirtioPciFunction function, ulong offset, uint value)
    {
        byte[] bytes = new byte[4];
        BinaryPrimitives.WriteUInt32LittleEndian(bytes, value);
        function.Write(offset, bytes);
    }
}
