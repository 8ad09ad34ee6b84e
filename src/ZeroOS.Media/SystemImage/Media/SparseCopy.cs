namespace ZeroOS.Media.SystemImage.Media;

/// <summary>Copies images without filling their holes.</summary>
internal static class SparseCopy
{
    private const int BlockBytes = 1 << 20, PageBytes = 4096;

    /// <summary>Copies a range to the same place of a target that holds zeros.</summary>
    public static void Range(Stream source, Stream target, long offset, long length)
    {
        byte[] block = new byte[BlockBytes];
        for (long end = offset + length; offset < end;)
        {
            int wanted = (int)Math.Min(block.Length, end - offset);
            source.Position = offset;
            source.ReadExactly(block.AsSpan(0, wanted));
            for (int at = 0; at < wanted; at += PageBytes)
            {
                ReadOnlySpan<byte> page = block.AsSpan(at, Math.Min(PageBytes, wanted - at));
                if (!page.ContainsAnyExcept((byte)0))
                    continue;
                target.Position = offset + at;
                target.Write(page);
            }
            offset += wanted;
        }
    }
}
