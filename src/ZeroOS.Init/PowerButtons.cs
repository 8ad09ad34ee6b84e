using System.Buffers.Binary;

using ZeroOS.Linux;

namespace ZeroOS.Init;

/// <summary>Power buttons, as the kernel's input devices show them. Nothing else of any keyboard is looked at here.</summary>
internal sealed class PowerButtons
{
    private const int EventBytes = 24, TypeAt = 16, CodeAt = 18, ValueAt = 20, EV_KEY = 1, KEY_POWER = 116;
    private const int MostDevices = 32;
    private readonly List<FileDescriptor> _devices;

    private PowerButtons(List<FileDescriptor> devices) => _devices = devices;

    /// <summary>To poll for reading.</summary>
    public IReadOnlyList<FileDescriptor> Descriptors => _devices;

    /// <summary>Opens those input devices that are named as power buttons; there may be none.</summary>
    public static PowerButtons Open()
    {
        List<FileDescriptor> devices = [];
        for (int i = 0; i < MostDevices; i++)
        {
            string name = KernelFile.TryRead($"/sys/class/input/event{i}/device/name", out _) ?? "";
            if (name.StartsWith("Power Button", StringComparison.Ordinal)
                && FileDescriptor.TryOpen($"/dev/input/event{i}", OpenFlags.ReadOnly | OpenFlags.NonBlocking, 0, out _) is { } device)
                devices.Add(device);
        }
        return new PowerButtons(devices);
    }

    /// <summary>Takes what came; true if a button went down.</summary>
    public bool WasPressed()
    {
        bool pressed = false;
        Span<byte> events = stackalloc byte[EventBytes * 16];
        foreach (FileDescriptor device in _devices)
        {
            while (device.TryRead(events, out int read) == Errno.None && read >= EventBytes)
            {
                for (ReadOnlySpan<byte> e = events[..read]; e.Length >= EventBytes; e = e[EventBytes..])
                {
                    pressed |= BinaryPrimitives.ReadUInt16LittleEndian(e[TypeAt..]) == EV_KEY
                        && BinaryPrimitives.ReadUInt16LittleEndian(e[CodeAt..]) == KEY_POWER && BinaryPrimitives.ReadInt32LittleEndian(e[ValueAt..]) == 1;
                }
            }
        }
        return pressed;
    }
}
