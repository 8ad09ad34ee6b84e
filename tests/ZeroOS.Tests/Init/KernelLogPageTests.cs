using System.Text;

using Xunit;

using ZeroOS.Init;
using ZeroOS.Linux;

namespace ZeroOS.Tests.Init;

public sealed class KernelLogPageTests
{
    [Theory]
    [InlineData("6,339,5140900,-;NET: Registered protocol family 10\n SUBSYSTEM=acpi\n", "\e[0;37m[5.141] NET: Registered protocol family 10\r\n")]
    [InlineData("3,1,0,-;disk on fire", "\e[0;1;33m[0.000] disk on fire\r\n")]
    [InlineData("30,7,1000000,-,caller=T1;zeroos: ready", "\e[0;37m[1.000] zeroos: ready\r\n")]
    [InlineData("6,1,0,-;a\x1b[2J\x9b\a", "\e[0;37m[0.000] a?[2J??\r\n")]
    [InlineData("6,1,0,-;", "\e[0;37m[0.000] \r\n")]
    [InlineData("no record", "")]
    [InlineData("6,1;text", "")]
    [InlineData("6,1,-5,-;text", "")]
    [InlineData("", "")]
    public void A_record_becomes_a_line(string record, string line) => Assert.Equal(line, Format(Encoding.Latin1.GetBytes(record)));

    [Fact]
    public void Any_record_becomes_a_bounded_line_without_control_characters()
    {
        const int Seed = 20261125;
        Random random = new(Seed);
        byte[] good = Encoding.ASCII.GetBytes("6,339,5140900,-;" + new string('x', 3000) + "\n SUBSYSTEM=acpi\n");
        for (int round = 0; round < 10_000; round++)
        {
            byte[] bytes = good[..random.Next(good.Length)];
            for (int m = random.Next(0, 12); m > 0 && bytes.Length > 0; m--)
                bytes[random.Next(2) == 0 ? random.Next(Math.Min(24, bytes.Length)) : random.Next(bytes.Length)] = (byte)random.Next(256);
            string line = Format(bytes);
            Assert.True(line.Length <= 1088, $"seed {Seed}, round {round}");
            if (line.Length > 0)
                Assert.True(line[5..^2].All(c => c is '\e' or (>= ' ' and <= '~')) && line.EndsWith("\r\n", StringComparison.Ordinal),
                    $"seed {Seed}, round {round}");
        }
    }

    [Theory]
    [InlineData("tty0                 -WU (EC p  )    4:1\n", true, false, true)]
    [InlineData("ttyS0                -W- (EC p a)    4:64\n", false, true, false)]
    [InlineData("ttyS0                -W- (EC p a)    4:64\ntty0                 -WU (E  p  )    4:1\n", true, true, false)]
    [InlineData("tty0 -WU (EC p  ) 4:1\nttyS0 -W- (E  p a) 4:64\n", true, true, true)]
    [InlineData("pstore-1 -W- (E  p  )\n", false, true, false)]
    [InlineData("tty", false, true, false)]
    [InlineData("", false, false, false)]
    public void Where_the_kernel_prints_is_read_from_its_list(string text, bool onScreen, bool elsewhere, bool consoleIsScreen)
        => Assert.Equal(new KernelConsoles(onScreen, elsewhere, consoleIsScreen), KernelConsoles.Parse(text));

    private static string Format(ReadOnlySpan<byte> record)
    {
        byte[] line = new byte[1088];
        return Encoding.Latin1.GetString(line, 0, KernelLogPage.Format(record, line));
    }
}
