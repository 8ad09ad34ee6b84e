namespace ZeroOS.Formats.Qr;

/// <summary>How hard a masked code would be to read: the four rules of ISO/IEC 18004, section 7.8.3. The mask with the least penalty is taken.</summary>
internal static class QrPenalty
{
    private const int Run = 3, Block = 3, FinderLike = 40, Imbalance = 10;

    internal static int Of(QrCode code)
    {
        int penalty = 0, dark = 0;
        for (int i = 0; i < code.Size; i++)
        {
            int line = i;
            penalty += Lines(j => code[line, j], code.Size) + Lines(j => code[j, line], code.Size);
            for (int j = 0; j < code.Size; j++)
            {
                dark += code[i, j] ? 1 : 0;
                bool whole = i + 1 < code.Size && j + 1 < code.Size && code[i, j] == code[i + 1, j] && code[i, j] == code[i, j + 1]
                    && code[i, j] == code[i + 1, j + 1];
                penalty += whole ? Block : 0;
            }
        }
        int percent = dark * 100 / (code.Size * code.Size);
        return penalty + (Math.Abs(percent - 50) / 5 * Imbalance);
    }

    /// <summary>One row or column: runs of five and more of one colour, and dark-light 1:1:3:1:1 with four light modules on a side.</summary>
    private static int Lines(Func<int, bool> dark, int size)
    {
        const int Beside = 0b1011101_0000, Before = 0b0000_1011101, Eleven = 0x7FF;
        int penalty = 0, run = 0, window = 0;
        for (int i = 0; i < size; i++)
        {
            run = i > 0 && dark(i) == dark(i - 1) ? run + 1 : 1;
            penalty += run == 5 ? Run : run > 5 ? 1 : 0;
            window = ((window << 1) | (dark(i) ? 1 : 0)) & Eleven;
            penalty += i >= 10 && window is Beside or Before ? FinderLike : 0;
        }
        return penalty;
    }
}
