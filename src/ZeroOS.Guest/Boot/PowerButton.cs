using System.Buffers.Binary;

using ZeroOS.Linux;

namespace ZeroOS.Guest.Boot;

/// <summary>The machine's power button (an evdev keyboard with one key), watched by a thread.</summary>
internal static class PowerButton
{
    private const int EventBytes = 24; // struct input_event: two longs of time, u16 type, u16 code, s32 value
    private const ushort EV_KEY = 1, KEY_POWER = 116;

    /// <summary>Calls <paramref name="pressed"/> each time it is pressed; a machine without one is left alone.</summary>
    internal static void Watch(Action pressed)
    {
        if (!Directory.Exists("/dev/input"))
            return;
        foreach (string path in Directory.EnumerateFiles("/dev/input", "event*"))
        {
            if (FileDescriptor.TryOpen(path, OpenFlags.ReadOnly, 0, out _) is { } input)
                new Thread(() => Run(input, pressed), 128 * 1024) { Name = "power button", IsBackground = true }.Start();
        }
    }

    internal static void Run(FileDescriptor input, Action pressed)
    {
        byte[] e = new byte[EventBytes];
        while (input.TryRead(e, out int n) == Errno.None && n == EventBytes)
        {
            if (BinaryPrimitives.ReadUInt16LittleEndian(e.AsSpan(16)) == EV_KEY && BinaryPrimitives.ReadUInt16LittleEndian(e.AsSpan(18)) == KEY_POWER
                && BinaryPrimitives.ReadInt32LittleEndian(e.AsSpan(20)) == 1)
                pressed();
        }
        input.Dispose();
    }
}
