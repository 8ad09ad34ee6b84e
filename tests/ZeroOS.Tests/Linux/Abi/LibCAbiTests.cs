using System.Globalization;
using System.Reflection;
using System.Text.RegularExpressions;

using Tmds.Linux;

using ZeroOS.Linux;
using ZeroOS.Tests.Repository;

namespace ZeroOS.Tests.Linux.Abi;

/// <summary>The C compiler judges what we take from Tmds.LibC, and what stands beside it where it lacks something or has it wrong.</summary>
[Trait("tier", "kernel")]
public sealed partial class LibCAbiTests
{
    private static readonly string[] s_headers =
    [
        "fcntl.h", "sched.h", "signal.h", "poll.h", "termios.h", "sys/epoll.h", "sys/eventfd.h", "sys/ioctl.h", "sys/mman.h", "sys/mount.h",
        "sys/socket.h", "netinet/in.h", "netinet/tcp.h", "sys/resource.h", "sys/stat.h", "sys/timex.h", "sys/uio.h",
        "linux/if_packet.h", "linux/io_uring.h", "linux/kd.h", "linux/netlink.h", "linux/openat2.h",
    ];

    [SkippableFact]
    public void Constants_that_we_use_have_the_values_of_the_c_headers()
    {
        HashSet<string> used = [.. Directory.GetFiles(Path.Combine(Checkout.Root, "src/ZeroOS.Linux"), "*.cs", SearchOption.AllDirectories)
            .SelectMany(file => Word().Matches(File.ReadAllText(file))).Select(m => m.Value)];
        (string, long)[] facts = [.. typeof(LibC).GetProperties(BindingFlags.Public | BindingFlags.Static)
            .Where(p => used.Contains(p.Name) && !p.PropertyType.IsPointer && !Enum.IsDefined(typeof(Errno), p.Name))
            .Select(p => (p.Name, long.Parse($"{p.GetValue(null)}", CultureInfo.InvariantCulture)))];
        Assert.True(facts.Length > 60, $"only {facts.Length} constants found");
        CCompiler.Hold(s_headers, facts);
    }

    [SkippableFact]
    public void Structures_have_the_layout_of_the_c_headers() =>
        CCompiler.Hold(s_headers,
        [
            .. CCompiler.Layout(typeof(stat), "struct stat"),
            .. CCompiler.Layout(typeof(timespec), "struct timespec"),
            .. CCompiler.Layout(typeof(iovec), "struct iovec"),
            .. CCompiler.Layout(typeof(msghdr), "struct msghdr"),
            .. CCompiler.Layout(typeof(cmsghdr), "struct cmsghdr"),
            .. CCompiler.Layout(typeof(epoll_event), "struct epoll_event"),
            .. CCompiler.Layout(typeof(pollfd), "struct pollfd"),
            .. CCompiler.Layout(typeof(winsize), "struct winsize"),
            .. CCompiler.Layout(typeof(open_how), "struct open_how"),
            .. CCompiler.Layout(typeof(sockaddr_ll), "struct sockaddr_ll"),
            .. CCompiler.Layout(typeof(sigset_t), "sigset_t"),
            .. CCompiler.Layout(typeof(ZeroOS.Linux.siginfo_t), "siginfo_t"),
            .. CCompiler.Layout(typeof(timex), "struct timex"),
            .. CCompiler.Layout(typeof(rlimit64), "struct rlimit64"),
            .. CCompiler.Layout(typeof(kbentry), "struct kbentry"),
            .. CCompiler.Layout(typeof(MemoryPart), "struct iovec", field => field == nameof(MemoryPart.Pointer) ? "iov_base" : "iov_len"),
        ]);

    [SkippableFact]
    public void Io_uring_has_the_layout_and_the_numbers_of_its_header() =>
        CCompiler.Hold(s_headers,
        [
            .. CCompiler.Layout(typeof(io_uring_sqe), "struct io_uring_sqe"),
            .. CCompiler.Layout(typeof(io_uring_cqe), "struct io_uring_cqe"),
            .. CCompiler.Layout(typeof(io_uring_params), "struct io_uring_params"),
            .. CCompiler.Layout(typeof(io_sqring_offsets), "struct io_sqring_offsets"),
            .. CCompiler.Layout(typeof(io_cqring_offsets), "struct io_cqring_offsets"),
            .. CCompiler.Layout(typeof(io_uring_restriction), "struct io_uring_restriction", field => field == "what" ? "sqe_op" : field),
            ("IORING_SETUP_R_DISABLED", Libc.IORING_SETUP_R_DISABLED),
            ("IORING_REGISTER_RESTRICTIONS", Libc.IORING_REGISTER_RESTRICTIONS),
            ("IORING_REGISTER_ENABLE_RINGS", Libc.IORING_REGISTER_ENABLE_RINGS),
            ("IORING_RESTRICTION_SQE_OP", Libc.IORING_RESTRICTION_SQE_OP),
            ("IORING_RESTRICTION_SQE_FLAGS_ALLOWED", Libc.IORING_RESTRICTION_SQE_FLAGS_ALLOWED),
            ("IORING_RESTRICTION_SQE_FLAGS_REQUIRED", Libc.IORING_RESTRICTION_SQE_FLAGS_REQUIRED),
        ]);

    [GeneratedRegex(@"\b[A-Z][A-Z0-9]*_[A-Z0-9_]+\b|\b(POLL|CREAD|CLOCAL|TCGETS|TCSETS|TIOC|B38400|CS8|CSIZE|PARENB)[A-Z]*\b"
        + @"|\b(IGNBRK|BRKINT|PARMRK|ISTRIP|INLCR|IGNCR|ICRNL|IXON|OPOST|ECHO|ECHONL|ICANON|ISIG|IEXTEN|VMIN|VTIME)\b")]
    private static partial Regex Word();
}
