namespace ZeroOS.Formats.Tar;

/// <summary>
/// Reads an archive front to back: ustar, pax (extended attributes as bytes), GNU long names and base-256 numbers, and all forms of sparse
/// file. .NET's own reader turns attribute values into text, which breaks file capabilities. Everything it does not understand it refuses.
/// </summary>
public sealed class TarReader(Stream stream)
{
    /// <summary>Longest extended header in bytes; one attribute may have 64 KiB.</summary>
    public const int MaxExtendedHeaderBytes = 1 << 20;

    /// <summary>
    /// Whether a name that begins with a slash is refused, of an entry or of what a hard link names; otherwise the slash is left out.
    /// </summary>
    public bool RefusesAbsolute { get; init; }

    private readonly byte[] _block = new byte[TarHeader.BlockSize];
    private readonly PaxRecords _global = new();
    private IReadOnlyList<(long Offset, long Length)> _runs = [];
    private int _run;
    private long _runDone;
    private long _unread;  // stored bytes of the current entry that are still in the stream, without padding
    private long _padding; // to the next block
    private bool _ended;

    /// <summary>The next entry, or null at the end of the archive; data of the one before that was not read is skipped.</summary>
    /// <exception cref="TarException">The archive is damaged, unsafe or of a kind that is not supported.</exception>
    public TarEntry? Next()
    {
        SkipRest();
        PaxRecords? pax = null;
        string? longName = null, longLink = null;
        while (!_ended && TryReadBlock())
        {
            var header = new TarHeader(_block);
            if (header.IsZero)
            {
                _ended = true;
                break;
            }
            if (!header.ChecksumIsRight())
                throw new TarException("a header with a wrong checksum");
            switch ((char)header.TypeFlag)
            {
                case 'x' or 'X':
                    pax ??= new PaxRecords();
                    pax.Add(ReadExtension(header.Size));
                    break;
                case 'g':
                    _global.Add(ReadExtension(header.Size));
                    break;
                case 'L':
                    longName = TarHeader.Text(ReadExtension(header.Size));
                    break;
                case 'K':
                    longLink = TarHeader.Text(ReadExtension(header.Size));
                    break;
                case 'V': // a volume label, no file
                    ReadExtension(header.Size);
                    break;
                default:
                    var all = new PaxRecords();
                    all.CopyFrom(_global);
                    if (pax is not null)
                    {
                        all.CopyFrom(pax);
                        all.SparsePairs.AddRange(pax.SparsePairs);
                    }
                    return ReadEntry(header, all, longName, longLink);
            }
        }
        if (pax is not null || longName is not null || longLink is not null)
            throw new TarException("the archive ends after an extended header");
        return null;
    }

    /// <summary>
    /// Reads data of the current file and says where in the file it belongs; what is skipped over is a hole. Returns 0 at the end of the file.
    /// </summary>
    public int Read(Span<byte> buffer, out long offset)
    {
        offset = 0;
        if (_run == _runs.Count || buffer.IsEmpty)
            return 0;
        (long start, long length) = _runs[_run];
        int count = (int)Math.Min(buffer.Length, length - _runDone);
        ReadExactly(buffer[..count]);
        offset = start + _runDone;
        _runDone += count;
        _unread -= count;
        if (_runDone == length)
        {
            _run++;
            _runDone = 0;
        }
        return count;
    }

    private TarEntry ReadEntry(TarHeader header, PaxRecords pax, string? longName, string? longLink)
    {
        string rawPath = pax.Text("GNU.sparse.name") ?? pax.Text("path") ?? longName ?? header.Name;
        string path = Normalise(rawPath);
        TarEntryType type = TypeOf((char)header.TypeFlag, rawPath);
        string link = pax.Text("linkpath") ?? longLink ?? header.LinkName;
        (long seconds, uint nanoseconds) = pax.Time("mtime") ?? (header.Mtime, 0);
        bool device = type is TarEntryType.CharacterDevice or TarEntryType.BlockDevice;
        Dictionary<string, byte[]> xattrs = pax.Xattrs();
        // The header lives in the block that the next reads overwrite: everything is taken from it before the sparse map is read.
        int mode = header.Mode;
        uint uid = Id(pax.Number("uid") ?? header.Uid, "owner", path), gid = Id(pax.Number("gid") ?? header.Gid, "group", path);
        uint major = device ? Id(pax.Number("SCHILY.devmajor") ?? header.DeviceMajor, "device number", path) : 0;
        uint minor = device ? Id(pax.Number("SCHILY.devminor") ?? header.DeviceMinor, "device number", path) : 0;
        long size = type == TarEntryType.File ? StartData(header, pax, path) : 0;
        if (type == TarEntryType.SymbolicLink && (link.Length is 0 or >= TarPath.MaxPathBytes || link.Contains('\0')))
            throw new TarException($"{TarPath.Printable(path)} is a symbolic link to nowhere");
        return new TarEntry
        {
            Type = type,
            Path = path,
            LinkTarget = type switch
            {
                TarEntryType.SymbolicLink => link,
                TarEntryType.HardLink => Normalise(link),
                _ => "",
            },
            Mode = mode,
            Uid = uid,
            Gid = gid,
            MtimeSeconds = seconds,
            MtimeNanoseconds = nanoseconds,
            DeviceMajor = major,
            DeviceMinor = minor,
            Size = size,
            Xattrs = xattrs,
        };
    }

    private string Normalise(string raw) => RefusesAbsolute && raw.StartsWith('/')
        ? throw new TarException($"a path that is absolute: {TarPath.Printable(raw)}")
        : TarPath.Normalise(raw);

    private static TarEntryType TypeOf(char flag, string rawPath) => flag switch
    {
        // Before ustar a directory was a file whose name ends with a slash.
        '0' or '\0' => rawPath.EndsWith('/') ? TarEntryType.Directory : TarEntryType.File,
        '7' or 'S' => TarEntryType.File,
        '1' => TarEntryType.HardLink,
        '2' => TarEntryType.SymbolicLink,
        '3' => TarEntryType.CharacterDevice,
        '4' => TarEntryType.BlockDevice,
        '5' => TarEntryType.Directory,
        '6' => TarEntryType.Fifo,
        _ => throw new TarException($"{TarPath.Printable(rawPath)} is an entry of type '{TarPath.Printable(flag.ToString())}', which is not supported"),
    };

    /// <summary>Finds out where the file's bytes are and returns its real length.</summary>
    private long StartData(TarHeader header, PaxRecords pax, string path)
    {
        long stored = pax.Number("size") ?? header.Size;
        if (stored < 0 || stored > long.MaxValue - TarHeader.BlockSize)
            throw new TarException($"{TarPath.Printable(path)} has an impossible size");
        _unread = stored;
        _padding = -stored & (TarHeader.BlockSize - 1);
        _run = 0;
        _runDone = 0;
        _runs = [];
        long real = stored;
        SparseMap? map = header.TypeFlag == (byte)'S' ? ReadOldGnuMap(header, out real) : ReadPaxMap(pax, ref real);
        if (map is null)
        {
            if (stored > 0)
                _runs = [(0, stored)];
            return stored;
        }
        map.Check(real, _unread);
        _runs = map.Runs;
        return real;
    }

    private SparseMap ReadOldGnuMap(TarHeader header, out long real)
    {
        var map = new SparseMap();
        map.AddGnu(header.Block.Slice(386, 96), 4);
        real = TarHeader.Number(header.Block.Slice(483, 12), "real size");
        bool more = header.Block[482] != 0;
        while (more)
        {
            if (!TryReadBlock())
                throw new TarException("the archive ends inside a sparse map");
            map.AddGnu(_block.AsSpan(0, 504), 21);
            more = _block[504] != 0;
        }
        return map;
    }

    private SparseMap? ReadPaxMap(PaxRecords pax, ref long real)
    {
        if (pax.Has("GNU.sparse.major"))
        {
            if (pax.Number("GNU.sparse.major") != 1 || pax.Number("GNU.sparse.minor") != 0)
                throw new TarException("a sparse file of an unknown GNU version");
            real = pax.Number("GNU.sparse.realsize") ?? throw new TarException("a sparse file without its size");
            return ReadMapFromData();
        }
        List<long> pairs = pax.SparsePairs;
        if (pax.Text("GNU.sparse.map") is { } text)
        {
            pairs = [];
            foreach (Range part in text.AsSpan().Split(','))
                pairs.Add(long.TryParse(text.AsSpan()[part], out long value) ? value : throw new TarException("a sparse map that is not numbers"));
        }
        else if (pairs.Count == 0 && !pax.Has("GNU.sparse.size"))
            return null;
        if (pairs.Count % 2 != 0)
            throw new TarException("a sparse map with an odd count");
        real = pax.Number("GNU.sparse.size") ?? throw new TarException("a sparse file without its size");
        var map = new SparseMap();
        for (int i = 0; i < pairs.Count; i += 2)
            map.Add(pairs[i], pairs[i + 1]);
        return map;
    }

    /// <summary>GNU sparse 1.0: the map is decimal lines at the front of the data, padded to whole blocks.</summary>
    private SparseMap ReadMapFromData()
    {
        var map = new SparseMap();
        int at = TarHeader.BlockSize;
        long count = NextNumber();
        if (count > SparseMap.MaxRuns)
            throw new TarException("a sparse file with too many runs");
        for (long i = 0; i < count; i++)
        {
            long offset = NextNumber();
            map.Add(offset, NextNumber());
        }
        return map;

        long NextNumber()
        {
            long value = 0;
            for (int digits = 0; ; digits++)
            {
                if (at == TarHeader.BlockSize)
                {
                    if (_unread < TarHeader.BlockSize || !TryReadBlock())
                        throw new TarException("a sparse map that does not end");
                    _unread -= TarHeader.BlockSize;
                    at = 0;
                }
                byte b = _block[at++];
                if (b == '\n' && digits > 0)
                    return value;
                if (b is < (byte)'0' or > (byte)'9' || digits > 18)
                    throw new TarException("a sparse map that is not numbers");
                value = value * 10 + (b - '0');
            }
        }
    }

    private byte[] ReadExtension(long size)
    {
        if (size is < 0 or > MaxExtendedHeaderBytes)
            throw new TarException($"an extended header of {size} bytes, the limit is {MaxExtendedHeaderBytes}");
        var data = new byte[size];
        ReadExactly(data);
        Skip(-size & (TarHeader.BlockSize - 1));
        return data;
    }

    private static uint Id(long value, string what, string path) =>
        value is >= 0 and <= uint.MaxValue ? (uint)value : throw new TarException($"{TarPath.Printable(path)} has an impossible {what}");

    private void SkipRest()
    {
        Skip(_unread);
        Skip(_padding);
        _unread = _padding = 0;
        _runs = [];
        _run = 0;
    }

    private void Skip(long count)
    {
        if (stream.CanSeek)
        {
            if (count > stream.Length - stream.Position)
                throw new TarException("the archive ends inside an entry");
            stream.Position += count;
            return;
        }
        Span<byte> waste = stackalloc byte[4096];
        for (; count > 0; count -= Math.Min(count, waste.Length))
            ReadExactly(waste[..(int)Math.Min(count, waste.Length)]);
    }

    /// <summary>False at a clean end: archives without the two closing zero blocks exist and are read by everyone.</summary>
    private bool TryReadBlock()
    {
        int read = stream.ReadAtLeast(_block, TarHeader.BlockSize, throwOnEndOfStream: false);
        if (read is 0 or TarHeader.BlockSize)
            return read != 0;
        throw new TarException("the archive ends inside a header");
    }

    private void ReadExactly(Span<byte> buffer)
    {
        if (stream.ReadAtLeast(buffer, buffer.Length, throwOnEndOfStream: false) != buffer.Length)
            throw new TarException("the archive ends inside an entry");
    }
}
