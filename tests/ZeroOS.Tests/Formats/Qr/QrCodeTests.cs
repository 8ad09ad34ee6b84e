using System.Text;

using Xunit;

using ZeroOS.Formats.Qr;
using ZeroOS.Tests.Shared;

namespace ZeroOS.Tests.Formats.Qr;

/// <summary>zbarimg is the judge of what a camera would read.</summary>
public sealed class QrCodeTests
{
    private const string KeyId = "6MkhaXgBZDvotDkL5257faiztiGiC2QtKLGpbnnEGta2";

    [Theory]
    [InlineData(1, 21)]
    [InlineData(17, 21)]
    [InlineData(18, 25)]
    [InlineData(32, 25)]
    [InlineData(33, 29)]
    [InlineData(44, 29)]
    [InlineData(53, 29)]
    [InlineData(54, 33)]
    [InlineData(78, 33)]
    [InlineData(79, 37)]
    [InlineData(106, 37)]
    public void The_smallest_version_that_holds_the_content_is_taken(int bytes, int size) => Assert.Equal(size, QrCode.Encode(new byte[bytes]).Size);

    [Fact]
    public void More_than_it_can_hold_is_refused()
        => Assert.Equal("107 bytes are more than 106 (Parameter 'content')", Assert.Throws<ArgumentException>(() => QrCode.Encode(new byte[107])).Message);

    [Fact]
    public void Outside_of_the_code_everything_is_light()
    {
        QrCode code = QrCode.Encode("a"u8);
        Assert.True(code[0, 0]);
        Assert.False(code[-1, 0] || code[0, -1] || code[21, 0] || code[0, 21]);
    }

    [SkippableFact]
    public void A_camera_reads_every_length_back()
    {
        Skip.IfNot(File.Exists("/usr/bin/zbarimg"), "zbar-tools is not installed");
        const int Seed = 20261125;
        Random random = new(Seed);
        List<string> contents = [KeyId];
        for (int length = 1; length <= QrCode.MaxBytes; length++)
            contents.Add(string.Concat(Enumerable.Range(0, length).Select(_ => (char)random.Next('!', '~' + 1))));
        string folder = Directory.CreateTempSubdirectory("qr").FullName;
        try
        {
            for (int i = 0; i < contents.Count; i++)
                File.WriteAllBytes(Path.Combine(folder, $"{i:000}.pgm"), Picture(QrCode.Encode(Encoding.ASCII.GetBytes(contents[i]))));
            Assert.Equal(contents, Read(folder));
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    /// <summary>A portable greymap, eight pixels a module with the quiet zone of four.</summary>
    internal static byte[] Picture(QrCode code)
    {
        const int Zoom = 8, Quiet = 4;
        int side = (code.Size + (2 * Quiet)) * Zoom;
        byte[] head = Encoding.ASCII.GetBytes($"P5 {side} {side} 255\n"), picture = new byte[head.Length + (side * side)];
        head.CopyTo(picture, 0);
        for (int y = 0; y < side; y++)
        {
            for (int x = 0; x < side; x++)
                picture[head.Length + (y * side) + x] = code[(y / Zoom) - Quiet, (x / Zoom) - Quiet] ? (byte)0 : (byte)255;
        }
        return picture;
    }

    private static string[] Read(string folder)
    {
        string[] files = [.. Directory.GetFiles(folder).Order(StringComparer.Ordinal)];
        return ProgramRun.Of("zbarimg", ["-q", "--raw", "-Sdisable", "-Sqrcode.enable", .. files]).Output.TrimEnd('\n').Split('\n');
    }
}
