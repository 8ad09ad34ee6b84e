using System.Buffers.Binary;

namespace ZeroOS.Formats.Fat;

/// <summary>
/// Gives the names of a directory's entries, taken one after the other: collects the parts of long names before them, and drops what does not belong together,
/// as every driver does (FAT specification, section 7).
/// </summary>
public sealed class FatLongName
{
    private const int MaxParts = 20, None = -1;
    private readonly char[] _characters = new char[FatName.EntryCharacters * MaxParts];
    private int _missing = None; // parts that still have to come, counting down to the entry itself
    private int _parts;
    private byte _checksum;

    /// <summary>How many of the entries directly before the one that was taken last are its long name.</summary>
    public int Parts { get; private set; }

    /// <summary>
    /// Takes the next 32 bytes, which are not the directory's end. Gives the name of a file or folder: the long one if it is whole, valid and belongs to it,
    /// else the short one; null for what is none of them: a free place, a part of a name, the label, the folder itself, its parent.
    /// </summary>
    public string? Take(ReadOnlySpan<byte> entry)
    {
        Parts = 0;
        if (entry[0] != FatDirectoryEntry.Deleted && FatDirectoryEntry.IsLongName(entry))
        {
            TakePart(entry);
            return null;
        }
        bool deleted = entry[0] == FatDirectoryEntry.Deleted;
        Parts = !deleted && _missing == 0 && _checksum == FatName.Checksum(entry) ? _parts : 0;
        _missing = None;
        if (deleted || (entry[11] & FatDirectoryEntry.VolumeLabel) != 0 || FatName.IsDots(entry))
            return null;
        ReadOnlySpan<char> characters = _characters.AsSpan(0, Parts * FatName.EntryCharacters);
        int end = characters.IndexOf('\0');
        string name = new(end < 0 ? characters : characters[..end]);
        // A name with a slash in it would be another path than it looks.
        return FatName.IsValid(name) ? name : FatName.Short(entry);
    }

    private void TakePart(ReadOnlySpan<byte> entry)
    {
        int part = entry[0] & 0x1F;
        if ((entry[0] & FatName.LastPart) != 0 && part is >= 1 and <= MaxParts)
            (_parts, _missing, _checksum) = (part, part, entry[13]);
        if (_missing < 1 || part != _missing || entry[13] != _checksum)
        {
            _missing = None;
            return;
        }
        for (int i = 0; i < FatName.EntryCharacters; i++)
            _characters[((part - 1) * FatName.EntryCharacters) + i] = (char)BinaryPrimitives.ReadUInt16LittleEndian(entry[FatName.CharacterAt(i)..]);
        _missing--;
    }
}
