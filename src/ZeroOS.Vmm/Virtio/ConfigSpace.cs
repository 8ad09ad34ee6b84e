using System.Runtime.InteropServices;

namespace ZeroOS.Vmm.Virtio;

/// <summary>
/// The device-specific configuration as the driver sees it (virtio 1.2, 2.5). Processors read it and write the bits the driver may write; the device changes
/// the rest. Each access is whole, under one lock; a driver that reads several fields compares the generation before and after (4.1.4.3.1).
/// </summary>
internal class ConfigSpace
{
    private readonly byte[] _bytes;
    private readonly byte[] _writable;
    private readonly Lock _gate = new();
    private byte _generation;

    /// <summary>
    /// A space that begins as <paramref name="bytes"/>; the driver may change the bits that are set in <paramref name="writable"/>, which is as long.
    /// </summary>
    protected ConfigSpace(byte[] bytes, byte[] writable) => (_bytes, _writable) = (bytes, writable);

    /// <summary>The space of a device that has no configuration.</summary>
    public static ConfigSpace None { get; } = new([], []);

    /// <summary>Counts the changes made by the device; wraps.</summary>
    public byte Generation
    {
        get
        {
            lock (_gate)
                return _generation;
        }
    }

    /// <summary>A processor's read; beyond the end there are zeros.</summary>
    public void Read(int offset, Span<byte> data)
    {
        data.Clear();
        lock (_gate)
        {
            if (offset < _bytes.Length)
                _bytes.AsSpan(offset, Math.Min(data.Length, _bytes.Length - offset)).CopyTo(data);
        }
    }

    /// <summary>A processor's write; bits the driver may not write stay as they are.</summary>
    public void Write(int offset, ReadOnlySpan<byte> data)
    {
        lock (_gate)
        {
            for (int i = 0; i < data.Length && offset + i < _bytes.Length; i++)
                Merge(offset + i, data[i], _writable[offset + i]);
        }
    }

    /// <summary>Copies all bytes out, as they are at one moment.</summary>
    protected void CopyOut(Span<byte> target)
    {
        lock (_gate)
            _bytes.CopyTo(target);
    }

    /// <summary>The device's change: what the driver may write stays as the driver wrote it.</summary>
    protected void Replace(ReadOnlySpan<byte> bytes)
    {
        lock (_gate)
        {
            for (int i = 0; i < _bytes.Length; i++)
                Merge(i, bytes[i], (byte)~_writable[i]);
            _generation++;
        }
    }

    private void Merge(int at, byte value, byte mask) => _bytes[at] = (byte)((_bytes[at] & ~mask) | (value & mask));
}

/// <summary>A configuration space laid out as <typeparamref name="T"/>, a structure with the fields of the device's section of the standard.</summary>
internal sealed class ConfigSpace<T> : ConfigSpace where T : unmanaged
{
    /// <summary>A space that begins as <paramref name="initial"/>; all bits set in <paramref name="writable"/> are the driver's.</summary>
    public ConfigSpace(T initial, T writable = default) : base(Bytes(initial), Bytes(writable))
    {
    }

    /// <summary>All fields at one moment.</summary>
    public T Value
    {
        get
        {
            T value = default;
            CopyOut(MemoryMarshal.AsBytes(new Span<T>(ref value)));
            return value;
        }
    }

    /// <summary>Changes the fields that are the device's. The device then tells the driver (<see cref="VirtioDevice.ConfigChanged"/>).</summary>
    public void Change(T value) => Replace(MemoryMarshal.AsBytes(new ReadOnlySpan<T>(in value)));

    private static byte[] Bytes(T value) => MemoryMarshal.AsBytes(new ReadOnlySpan<T>(in value)).ToArray();
}
