using Xunit;

using ZeroOS.Guest.Setup;
using ZeroOS.Guest.Users;

namespace ZeroOS.Tests.Guest.Users;

public sealed class ImageUserTests
{
    private const string Passwd =
        "root:x:0:0:root:/root:/bin/sh\n# comment\nweb:x:33:33::/var/www:/bin/false\nbroken\n1000:x:5:5::/odd:/bin/sh\nplain:x:1001:100::/home/plain:/bin/sh\n";
    private const string Group = "root:x:0:\nwww:x:33:\nstaff:x:50:web,plain\nadm:x:4:web\nplain:x:100:\n";

    [Theory]
    [InlineData("", 0u, 0u, "", "/root")]
    [InlineData("web", 33u, 33u, "50,4", "/var/www")]
    [InlineData("33", 33u, 33u, "50,4", "/var/www")]
    [InlineData("web:staff", 33u, 50u, "", "/var/www")]
    [InlineData("web:7", 33u, 7u, "", "/var/www")]
    [InlineData("4242", 4242u, 0u, "", "/")]
    [InlineData("4242:4243", 4242u, 4243u, "", "/")]
    [InlineData("1000", 5u, 5u, "", "/odd")] // a name of digits is a name first, as Docker has it
    [InlineData(":staff", 0u, 50u, "", "/root")]
    [InlineData("plain:", 1001u, 100u, "50", "/home/plain")]
    public void User_is_resolved_by_the_images_own_files(string user, uint uid, uint gid, string groups, string home)
    {
        ImageUser resolved = ImageUser.Resolve(user, Passwd, Group);
        Assert.Equal((uid, gid, groups, home), (resolved.Uid, resolved.Gid, string.Join(',', resolved.Groups), resolved.Home));
    }

    [Theory]
    [InlineData("nobody", "the image knows no user \"nobody\"")]
    [InlineData("web:nogroup", "the image knows no group \"nogroup\"")]
    [InlineData("4294967296", "the image knows no user \"4294967296\"")]
    [InlineData("a:b:c", "user \"a:b:c\" has more than one colon")]
    public void What_the_image_does_not_know_is_an_error_that_says_so(string user, string message) =>
        Assert.Equal(message, Assert.Throws<SetupException>(() => ImageUser.Resolve(user, Passwd, Group)).Message);

    [Fact]
    public void Groups_are_added_by_name_or_number_and_none_twice()
    {
        ImageUser web = ImageUser.Resolve("web", Passwd, Group).With(["adm", "77", "plain"], Group);
        Assert.Equal([50u, 4u, 77u, 100u], web.Groups);
        Assert.Equal("the image knows no group \"video\"", Assert.Throws<SetupException>(() => web.With(["video"], Group)).Message);
    }

    [Fact]
    public void An_image_without_user_files_runs_numbers_and_root()
    {
        Assert.Equal(0u, ImageUser.Resolve("", null, null).Uid);
        Assert.Equal((5u, 0u), (ImageUser.Resolve("5", null, null).Uid, ImageUser.Resolve("5", null, null).Gid));
    }

    [Fact]
    public void Environment_keeps_the_last_of_a_name_and_adds_what_is_missing()
    {
        IReadOnlyList<string> environment = WorkloadEnvironment.Build(["A=1", "PATH=/opt", "A=2", "EMPTY="], "/root", "web");
        Assert.Equal(["PATH=/opt", "HOSTNAME=web", "HOME=/root", "A=2", "EMPTY="], environment);
        Assert.Equal(["/opt/nginx"], WorkloadEnvironment.Candidates("nginx", environment));
        Assert.Equal(["./run.sh"], WorkloadEnvironment.Candidates("./run.sh", environment));
    }

    [Fact]
    public void Mutated_user_files_never_throw_anything_but_a_setup_failure()
    {
        Random random = new(11);
        int resolved = 0;
        for (int round = 0; round < 10_000; round++)
        {
            char[] passwd = Passwd.ToCharArray(), group = Group.ToCharArray();
            for (int flips = 0; flips < 6; flips++)
            {
                passwd[random.Next(passwd.Length)] = (char)random.Next(32, 127);
                group[random.Next(group.Length)] = (char)random.Next(32, 127);
            }
            try
            {
                _ = ImageUser.Resolve("web:staff", new string(passwd), new string(group));
                resolved++;
            }
            catch (SetupException)
            {
            }
        }
        Assert.InRange(resolved, 1, 9_999);
    }
}
