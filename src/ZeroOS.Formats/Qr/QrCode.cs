namespace ZeroOS.Formats.Qr;

/// <summary>
/// A QR code (ISO/IEC 18004) of up to <see cref="MaxBytes"/> bytes: versions 1 to 5 in byte mode with error correction level L, where all code words are one
/// block. That is what a key id on a screen needs: the fewest modules, and nothing that scratches it.
/// </summary>
public sealed class QrCode
{
    /// <summary>The longest content in bytes.</summary>
    public const int MaxBytes = 106;

    // Level L: code words of data and of correction by version (table 9 of the standard).
    private static readonly (int Data, int Correction)[] s_versions = [(19, 7), (34, 10), (55, 15), (80, 20), (108, 26)];

    private readonly bool[,] _dark, _reserved;

    private QrCode(int version)
    {
        Size = 17 + (4 * version);
        _dark = new bool[Size, Size];
        _reserved = new bool[Size, Size];
    }

    /// <summary>Modules on a side, the quiet zone of four around it left out.</summary>
    public int Size { get; }

    /// <summary>Whether a module is dark; what is outside is light.</summary>
    public bool this[int row, int column] => (uint)row < (uint)Size && (uint)column < (uint)Size && _dark[row, column];

    /// <summary>The smallest code that holds the bytes.</summary>
    /// <exception cref="ArgumentException">They are more than <see cref="MaxBytes"/>.</exception>
    public static QrCode Encode(ReadOnlySpan<byte> content)
    {
        int version = 1;
        while (content.Length + 2 > s_versions[version - 1].Data)
        {
            if (++version > s_versions.Length)
                throw new ArgumentException($"{content.Length} bytes are more than {MaxBytes}", nameof(content));
        }
        QrCode code = new(version);
        code.DrawFunctionPatterns(version);
        code.DrawCodeWords(CodeWords(content, s_versions[version - 1]));
        int best = 0, least = int.MaxValue;
        for (int mask = 0; mask < 8; mask++)
        {
            code.Apply(mask);
            if (QrPenalty.Of(code) is var penalty && penalty < least)
                (best, least) = (mask, penalty);
            code.Invert(mask);
        }
        code.Apply(best);
        return code;
    }

    private static byte[] CodeWords(ReadOnlySpan<byte> content, (int Data, int Correction) capacity)
    {
        const byte ByteMode = 0x4, PadOdd = 0xEC, PadEven = 0x11;
        byte[] words = new byte[capacity.Data + capacity.Correction];
        // Four bits of mode, eight of length, the bytes, four zero bits as the end: everything sits half a byte off.
        words[0] = (byte)((ByteMode << 4) | (content.Length >> 4));
        words[1] = (byte)(content.Length << 4);
        for (int i = 0; i < content.Length; i++)
        {
            words[i + 1] |= (byte)(content[i] >> 4);
            words[i + 2] = (byte)(content[i] << 4);
        }
        for (int i = content.Length + 2; i < capacity.Data; i++)
            words[i] = (i - content.Length) % 2 == 0 ? PadOdd : PadEven;
        ReedSolomon.Correct(words.AsSpan(0, capacity.Data), words.AsSpan(capacity.Data));
        return words;
    }

    private void DrawFunctionPatterns(int version)
    {
        for (int i = 0; i < Size; i++)
        {
            Reserve(6, i, i % 2 == 0);
            Reserve(i, 6, i % 2 == 0);
        }
        DrawRings(3, 3, 4);
        DrawRings(3, Size - 4, 4);
        DrawRings(Size - 4, 3, 4);
        if (version > 1)
            DrawRings(Size - 7, Size - 7, 2);
        DrawFormat(0); // reserves the modules; the mask decides what is in them
    }

    /// <summary>A finder pattern with its separator (reach 4) or an alignment pattern (reach 2): dark, but for the rings two and four away.</summary>
    private void DrawRings(int row, int column, int reach)
    {
        for (int r = -reach; r <= reach; r++)
        {
            for (int c = -reach; c <= reach; c++)
            {
                int ring = Math.Max(Math.Abs(r), Math.Abs(c));
                if ((uint)(row + r) < (uint)Size && (uint)(column + c) < (uint)Size)
                    Reserve(row + r, column + c, reach == 4 ? ring is not (2 or 4) : ring != 1);
            }
        }
    }

    /// <summary>Level and mask, protected by a BCH code, twice (section 7.9).</summary>
    private void DrawFormat(int mask)
    {
        const int LevelL = 1, Generator = 0x537, Veil = 0x5412;
        int data = (LevelL << 3) | mask, remainder = data;
        for (int i = 0; i < 10; i++)
            remainder = (remainder << 1) ^ ((remainder >> 9) * Generator);
        int bits = ((data << 10) | remainder) ^ Veil;
        for (int i = 0; i < 15; i++)
        {
            bool dark = ((bits >> i) & 1) != 0;
            // Beside the top left finder pattern, stepping over the timing patterns; and split between the two others.
            if (i < 8)
                Reserve(i < 6 ? i : i + 1, 8, dark);
            else
                Reserve(8, i == 8 ? 7 : 14 - i, dark);
            if (i < 8)
                Reserve(8, Size - 1 - i, dark);
            else
                Reserve(Size - 15 + i, 8, dark);
        }
        Reserve(Size - 8, 8, true);
    }

    /// <summary>Two columns at a time from the right, up and down in turn, past what is reserved (section 7.7.3).</summary>
    private void DrawCodeWords(ReadOnlySpan<byte> words)
    {
        int bit = 0;
        bool upward = true;
        for (int right = Size - 1; right >= 1; right -= 2)
        {
            if (right == 6)
                right = 5; // the timing pattern's column
            for (int step = 0; step < Size; step++)
            {
                int row = upward ? Size - 1 - step : step;
                for (int column = right; column >= right - 1; column--)
                {
                    if (_reserved[row, column])
                        continue;
                    _dark[row, column] = bit < words.Length * 8 && ((words[bit / 8] >> (7 - (bit % 8))) & 1) != 0;
                    bit++;
                }
            }
            upward = !upward;
        }
    }

    private void Apply(int mask)
    {
        DrawFormat(mask);
        Invert(mask);
    }

    /// <summary>Inverts the modules that a mask names; twice is not at all.</summary>
    private void Invert(int mask)
    {
        for (int i = 0; i < Size; i++)
        {
            for (int j = 0; j < Size; j++)
                _dark[i, j] ^= !_reserved[i, j] && IsMasked(mask, i, j);
        }
    }

    // Table 10.
    private static bool IsMasked(int mask, int i, int j) => mask switch
    {
        0 => (i + j) % 2 == 0,
        1 => i % 2 == 0,
        2 => j % 3 == 0,
        3 => (i + j) % 3 == 0,
        4 => ((i / 2) + (j / 3)) % 2 == 0,
        5 => (i * j % 2) + (i * j % 3) == 0,
        6 => ((i * j % 2) + (i * j % 3)) % 2 == 0,
        _ => (((i + j) % 2) + (i * j % 3)) % 2 == 0,
    };

    private void Reserve(int row, int column, bool dark) => (_dark[row, column], _reserved[row, column]) = (dark, true);
}
