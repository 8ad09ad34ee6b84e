using System.Text;

namespace ZeroOS.Formats.Fat;

/// <summary>What of a FAT volume is not files.</summary>
/// <param name="Label">At most 11 capital letters, digits, spaces.</param>
/// <param name="Serial">The volume's number.</param>
/// <param name="Time">The time of everything in it, in UTC to two seconds, 1980 to 2107; earlier and later ones are brought into that range.</param>
/// <param name="BootSector">A boot loader's first sector, of which jump, system name and code are taken (bytes 0 to 10 and 90 to 509); empty: the volume says
/// nothing to a BIOS.</param>
public sealed record FatIdentity(string Label, uint Serial, DateTimeOffset Time, ReadOnlyMemory<byte> BootSector)
{
    /// <summary>The label as it is stored.</summary>
    /// <exception cref="ArgumentException">It is none.</exception>
    internal byte[] LabelBytes() =>
        Label.Length is > 0 and <= FatName.ShortBytes && Label.All(c => c is (>= 'A' and <= 'Z') or (>= '0' and <= '9') or ' ')
            ? Encoding.ASCII.GetBytes(Label.PadRight(FatName.ShortBytes))
            : throw new ArgumentException($"\"{Label}\" is no label: 1 to 11 capital letters, digits, spaces");
}
