using ZeroOS.Formats.Efi;

namespace ZeroOS.Tests.Formats.Efi;

public sealed class LoadOptionTests
{
    internal static readonly LoadOption Trial = new()
    {
        Description = "ZeroOS trial",
        PartitionNumber = 1,
        PartitionStart = 2048,
        PartitionBlocks = 260096,
        PartitionId = new Guid("11111111-2222-3333-4444-555555555555"),
        File = @"\EFI\ZEROOS\TRIAL.EFI",
    };

    [Fact]
    public void Bytes_are_those_of_the_specification()
    {
        byte[] bytes = Trial.ToBytes();
        Assert.Equal("01000000" + "5E00", Convert.ToHexString(bytes.AsSpan(0, 6))); // active; 42 bytes of partition, 48 of file, 4 of end
        Assert.Equal("5A00650072006F004F005300200074007200690061006C000000", Convert.ToHexString(bytes.AsSpan(6, 26)));
        Assert.Equal("04012A00" + "01000000" + "0008000000000000" + "00F8030000000000" + "11111111222233334444555555555555" + "0202",
            Convert.ToHexString(bytes.AsSpan(32, 42)));
        Assert.Equal("0404" + "3000" + Convert.ToHexString(System.Text.Encoding.Unicode.GetBytes(Trial.File)) + "0000" + "7FFF0400",
            Convert.ToHexString(bytes.AsSpan(74)));
    }

    [Fact]
    public void The_description_of_any_option_is_read_and_of_other_bytes_is_none()
    {
        Assert.Equal("ZeroOS trial", LoadOption.DescriptionOf(Trial.ToBytes()));
        Assert.Null(LoadOption.DescriptionOf([]));
        Assert.Null(LoadOption.DescriptionOf(new byte[7]));
        Assert.Null(LoadOption.DescriptionOf([1, 0, 0, 0, 0, 0, 65, 0, 66, 0, 67]));
        Random random = new(20261125);
        byte[] bytes = new byte[64];
        for (int i = 0; i < 10_000; i++)
        {
            random.NextBytes(bytes);
            _ = LoadOption.DescriptionOf(bytes.AsSpan(0, random.Next(bytes.Length)));
        }
    }
}
