using System.Text;

using Xunit;

using ZeroOS.Flist;
using ZeroOS.Images.Store;

namespace ZeroOS.Tests.Images.Store;

public sealed class ImageFormatTests
{
    [Fact]
    public void Ten_thousand_mutations_of_a_config_throw_nothing_but_their_own()
    {
        Random random = new(1);
        int accepted = 0;
        for (int i = 0; i < 10_000; i++)
        {
            byte[] json = Encoding.UTF8.GetBytes(TestImage.ConfigJson);
            for (int n = random.Next(1, 5); n > 0; n--)
                json[random.Next(json.Length)] = (byte)random.Next(256);
            try
            {
                ImageConfigReader.Parse(json);
                accepted++;
            }
            catch (FlistFormatException)
            {
            }
        }
        Assert.InRange(accepted, 1, 9_999);
    }

    [Theory]
    [InlineData("""{"config":{"Env":["=x"]}}""")]
    [InlineData("""{"config":{"Env":[null]}}""")]
    [InlineData("""{"config":{"Cmd":["a\u0000b"]}}""")]
    [InlineData("""{"config":{"Volumes":{"data":{}}}}""")]
    [InlineData("""{"config":{"WorkingDir":"x"}}""")]
    [InlineData("""{"os":"windows"}""")]
    [InlineData("""{"architecture":"arm64"}""")]
    [InlineData("""[]""")]
    public void Config_that_cannot_run_is_refused(string json) =>
    Assert.Throws<FlistFormatException>(() => ImageConfigReader.Parse(Encoding.UTF8.GetBytes(json)));

    [Theory]
    [InlineData("""{}""")]
    [InlineData("""{"config":null}""")]
    [InlineData("""{"architecture":"x86_64","os":"linux"}""")]
    [InlineData("""{"architecture":"","os":""}""")]
    [InlineData("""{"config":{"Env":null,"Volumes":null,"Labels":{"a":"b"},"Healthcheck":{}}}""")]
    public void Config_with_nothing_in_it_runs_nothing_in_particular(string json) =>
    Assert.Empty(ImageConfigReader.Parse(Encoding.UTF8.GetBytes(json)).Entrypoint);

    [Fact]
    public void Variable_without_a_value_sets_nothing_and_takes_away_what_came_before() => Assert.Equal(
        ["A=1", "B=2", "B=", "D=4"], ImageConfigReader.Parse("""{"config":{"Env":["C=0","A=1","B=2","B=","C","D=4","NONE"]}}"""u8).Env);

    [Fact]
    public void Ten_thousand_mutations_of_a_hint_say_that_nothing_is_there()
    {
        string path = Path.GetTempFileName();
        Sha256Digest index = Sha256Digest.Of([1]);
        ChunkMap map = new(77) { [3] = true, [76] = true };
        PresentFile.Save(path, index, map);
        Assert.Equal(map.Bytes.ToArray(), PresentFile.Load(path, index, 77).Bytes.ToArray());
        Assert.False(PresentFile.Load(path, index, 78)[3]);
        Assert.False(PresentFile.Load(path, Sha256Digest.Of([2]), 77)[3]);
        byte[] whole = File.ReadAllBytes(path);
        File.Delete(path);
        Assert.False(PresentFile.Load(path, index, 77)[3]);
        Random random = new(2);
        for (int i = 0; i < 10_000; i++)
        {
            byte[] bytes = (byte[])whole.Clone();
            bytes[random.Next(bytes.Length)] ^= (byte)random.Next(1, 256);
            int length = random.Next(10) == 0 ? random.Next(bytes.Length) : bytes.Length;
            Assert.False(PresentFile.Parse(bytes.AsSpan(0, length), index, 77).Bytes.ContainsAnyExcept((byte)0));
        }
    }
}
