using System.Text;

using ZeroOS.Linux;
using ZeroOS.Node.Screen;

namespace ZeroOS.Tests.Node.Screen;

/// <summary>A page as a greymap of cells of 8 x 16 pixels; only the half blocks are drawn, text is left out.</summary>
internal static class PagePicture
{
    internal static byte[] Of(ScreenPage page)
    {
        const int Width = 8, Height = 16;
        byte[] head = Encoding.ASCII.GetBytes($"P5 {page.Columns * Width} {page.Rows * Height} 255\n"),
            picture = new byte[head.Length + (page.Columns * Width * page.Rows * Height)];
        head.CopyTo(picture, 0);
        for (int y = 0; y < page.Rows * Height; y++)
        {
            ReadOnlySpan<ScreenCell> row = page.Row(y / Height);
            for (int x = 0; x < page.Columns * Width; x++)
            {
                ScreenCell cell = row[x / Width];
                bool dark = cell.Style != ScreenStyle.Code || cell.Glyph == Glyphs.Full || (cell.Glyph == Glyphs.Upper && y % Height < Height / 2)
                    || (cell.Glyph == Glyphs.Lower && y % Height >= Height / 2);
                picture[head.Length + (y * page.Columns * Width) + x] = dark ? (byte)0 : (byte)0xAA;
            }
        }
        return picture;
    }
}
