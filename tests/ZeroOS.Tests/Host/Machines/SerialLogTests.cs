using System.Text;

using Xunit;

using ZeroOS.Host.Machines;

namespace ZeroOS.Tests.Host.Machines;

public sealed class SerialLogTests
{
    [Fact]
    public void The_last_lines_are_told_without_control_characters()
    {
        SerialLog log = new();
        log.Add(Encoding.UTF8.GetBytes("one\r\n\r\n\u001b[2Jtwo\r\nthree\u00e9\n"));
        Assert.Equal("[2Jtwo | three", log.LastLines(2, 100));
        Assert.Equal("hree", log.LastLines(2, 4));
    }

    [Fact]
    public void Only_the_last_8_KiB_stay()
    {
        SerialLog log = new();
        log.Add("early\n"u8);
        byte[] line = Encoding.ASCII.GetBytes(new string('x', 999) + "\n");
        for (int i = 0; i < 9; i++)
            log.Add(line);
        log.Add(new byte[3 * SerialLog.Capacity]);
        Assert.Equal("", log.LastLines(9, 100));
        log.Add("late\n"u8);
        Assert.Equal("late", log.LastLines(1000, 100));
    }
}
