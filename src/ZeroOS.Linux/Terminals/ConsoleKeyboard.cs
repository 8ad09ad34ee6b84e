namespace ZeroOS.Linux;

/// <summary>Modifier keys held down, as the kernel numbers its key maps (linux/keyboard.h).</summary>
[Flags]
public enum HeldKeys : byte
{
    None = 0, Ctrl = 1 << 2, Alt = 1 << 3,
}

/// <summary>What a key of the console does; an entry of a kernel key map (linux/keyboard.h).</summary>
public enum KeyAction : ushort
{
    Nothing = 0x200, Restart = 0x20C, ShowTerminal1 = 0x500, ShowTerminal2 = 0x501, HoldCtrl = 0x702, HoldAlt = 0x703,
}

/// <summary>Keys by their numbers (linux/input-event-codes.h).</summary>
public enum KeyCode : byte
{
    LeftCtrl = 29, LeftAlt = 56, F1 = 59, F2 = 60, KeypadDot = 83, RightCtrl = 97, RightAlt = 100, Delete = 111,
}

/// <summary>One key with what is held beside it, and what that does.</summary>
public readonly record struct KeyBinding(HeldKeys Held, KeyCode Key, KeyAction Action);

/// <summary>The key maps of the Linux console, which all virtual terminals share.</summary>
public static class ConsoleKeyboard
{
    internal const nuint KDSKBENT = 0x4B47;
    private const ushort K_NOSUCHMAP = 0x27F;
    private const int MaxMaps = 256, MaxKeys = 256;

    /// <summary>Every key does nothing any more, but for <paramref name="bindings"/>. Needs CAP_SYS_TTY_CONFIG; the first refusal is returned.</summary>
    public static Errno KeepOnly(FileDescriptor terminal, IReadOnlyList<KeyBinding> bindings)
    {
        Errno refused = Errno.None;
        // A key with modifiers held for which there is no map does nothing. The plain map cannot go; its keys can.
        for (int map = 1; map < MaxMaps; map++)
            Set((byte)map, 0, K_NOSUCHMAP);
        for (int key = 1; key < MaxKeys; key++)
            Set(0, (byte)key, (ushort)KeyAction.Nothing);
        foreach (KeyBinding binding in bindings)
            Set((byte)binding.Held, (byte)binding.Key, (ushort)binding.Action);
        return refused;

        void Set(byte map, byte key, ushort value)
        {
            kbentry entry = new() { kb_table = map, kb_index = key, kb_value = value };
            int result = refused == Errno.None ? terminal.Ioctl(KDSKBENT, ref entry) : 0;
            if (result < 0)
                refused = (Errno)(-result);
        }
    }
}
