using ZeroOS.Linux;
using ZeroOS.Tests.Vmm.Virtio;
using ZeroOS.Vmm.Virtio;

namespace ZeroOS.Tests.Vmm.Fuzz;

/// <summary>A device with its surroundings: what a driver that keeps the rules asks of it, what its other side does, and whether it did useful work.</summary>
internal abstract class FuzzTarget : IDisposable
{
    private PlayedDriver? _driver;
    private int _offered;

    /// <summary>Entries of each queue.</summary>
    internal const ushort Size = 16;

    /// <summary>The device.</summary>
    internal abstract VirtioDevice Device { get; }

    /// <summary>What it has done that only a device that works does.</summary>
    internal abstract long Work { get; }

    /// <summary>A request as the standard has it.</summary>
    internal abstract void Ask(PlayedDriver driver, Random random);

    /// <summary>The other side: the node, the network.</summary>
    internal virtual void Answer(Random random)
    {
    }

    /// <inheritdoc/>
    public void Dispose() => Close();

    /// <summary>Gives back what the device was lent.</summary>
    protected abstract void Close();

    /// <summary>Gives the receive queue, number 0, a buffer if it has room for one.</summary>
    protected void Offer(PlayedDriver driver, int bytes)
    {
        if (driver != _driver)
            (_driver, _offered) = (driver, 0);
        _offered -= driver.TakeUsed(0, Size).Count;
        if (_offered >= Size)
            return;
        driver.Send(0, Size, [], [bytes]);
        _offered++;
    }

    /// <summary>A descriptor that the device becomes the owner of.</summary>
    protected static FileDescriptor File(string name, long size)
    {
        FileDescriptor file = FileDescriptor.Memory(name);
        file.SetLength(size);
        return file;
    }
}
