# Tests of each measure, from the tidy table next to this script. R alone, no packages: Rscript NAME.R
table <- @TABLE@
groups <- c(@FIRST@, @SECOND@)  # the second is compared with the first
paired <- @PAIRED@

if (!file.exists(table)) {  # called from another folder
  script <- sub("^--file=", "", grep("^--file=", commandArgs(FALSE), value = TRUE))
  if (length(script) == 1) table <- file.path(dirname(script), table)
}
text <- c(file = "character", group = "character", subject = "character", eye = "character", value = "numeric")
long <- read.csv(table, encoding = "UTF-8", stringsAsFactors = FALSE, colClasses = text, na.strings = "")
if (!all(groups %in% long$group)) stop("The table does not hold both ", groups[1], " and ", groups[2], ".")

# What counts once: a subject's eye, a subject, or a photograph where no subject is named. The length tells where the
# subject ends: subject "A" with eye "B" is not the subject "A B".
eye <- ifelse(is.na(long$eye), "", long$eye)
long$counted <- ifelse(is.na(long$subject), paste("file", long$file), paste(nchar(long$subject), long$subject, eye))
long <- long[!is.na(long$value), ]
means <- aggregate(value ~ measure + group + counted, data = long, FUN = mean)

one <- function(rows) {
  if (paired) {
    both <- merge(rows[rows$group == groups[1], ], rows[rows$group == groups[2], ], by = "counted")
    first <- both$value.x
    second <- both$value.y
  } else {
    first <- rows$value[rows$group == groups[1]]
    second <- rows$value[rows$group == groups[2]]
  }
  n <- c(length(first), length(second))
  if (min(n) < 3) return(NULL)
  test <- try(t.test(second, first, paired = paired), silent = TRUE)  # Welch's for groups
  if (inherits(test, "try-error")) return(NULL)  # the values do not differ from one another
  # Wilcoxon, or Mann and Whitney. Of pairs with equal differences R approximates p, where SERR Fundus counts exactly.
  ranks <- suppressWarnings(wilcox.test(second, first, paired = paired))
  difference <- mean(second) - mean(first)
  if (paired) {
    effect <- difference / sd(second - first)  # d_z
  } else {
    free <- sum(n) - 2
    effect <- difference / sqrt(sum((n - 1) * c(var(first), var(second))) / free) * (1 - 3 / (4 * free - 1))  # Hedges' g
  }
  data.frame(measure = rows$measure[1], n_first = n[1], n_second = n[2],
             mean_first = mean(first), sd_first = sd(first), mean_second = mean(second), sd_second = sd(second),
             difference = difference, ci95_low = test$conf.int[1], ci95_high = test$conf.int[2], effect = effect,
             p = test$p.value, p_rank = ranks$p.value)
}

order <- factor(means$measure, levels = unique(long$measure))
result <- do.call(rbind, lapply(split(means, order, drop = TRUE), one))
if (is.null(result)) stop("No measure is known in three photographs of each side.")
result$p_holm <- p.adjust(result$p, "holm")
result$p_rank_holm <- p.adjust(result$p_rank, "holm")
options(width = 250)
print(result, row.names = FALSE, digits = 4)

# To keep the tests, and to look at the values of a measure:
# write.csv(result, "tests.csv", row.names = FALSE)
# boxplot(value ~ group, data = means[means$measure == "width/mean/all/fov", ])
