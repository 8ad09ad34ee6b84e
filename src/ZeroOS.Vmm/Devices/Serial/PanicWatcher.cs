using System.Text;

namespace ZeroOS.Vmm.Devices.Serial;

/// <summary>
/// Reads along the serial output for the line with which Linux says that it panicked, so that the reset that follows has its reason. What a guest prints here
/// is only believed about itself.
/// </summary>
internal sealed class PanicWatcher
{
    private const int MaxLine = 200;
    private readonly byte[] _line = new byte[MaxLine];
    private int _length;

    /// <summary>The panic's line, or null.</summary>
    public string? Reason { get; private set; }

    /// <summary>The next byte of output.</summary>
    public void Next(byte value)
    {
        if (value == (byte)'\n')
        {
            End();
            _length = 0;
        }
        else if (_length < MaxLine)
        {
            _line[_length++] = value is >= 0x20 and < 0x7f ? value : (byte)' ';
        }
    }

    private void End()
    {
        ReadOnlySpan<byte> line = _line.AsSpan(0, _length);
        int at = line.IndexOf("Kernel panic - not syncing: "u8);
        if (at >= 0 && Reason == null)
            Reason = Encoding.ASCII.GetString(line[at..]).TrimEnd();
    }
}
