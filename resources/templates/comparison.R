# Tests of each measure, from the tidy table. R alone, no packages.
long <- read.csv(@TABLE@, encoding = "UTF-8", stringsAsFactors = FALSE, colClasses = c(group = "character", subject = "character", eye = "character"))
groups <- c(@FIRST@, @SECOND@)
paired <- @PAIRED@

# What counts once: a subject's eye, a subject, or a photograph where no subject is named.
long$unit_of <- ifelse(long$subject == "" | is.na(long$subject), long$file, trimws(paste(long$subject, long$eye)))
long <- long[!is.na(long$value), ]
means <- aggregate(value ~ measure + group + unit_of, data = long, FUN = mean)

one <- function(rows) {
  if (paired) {
    both <- merge(rows[rows$group == groups[1], ], rows[rows$group == groups[2], ], by = "unit_of")
    first <- both$value.x
    second <- both$value.y
  } else {
    first <- rows$value[rows$group == groups[1]]
    second <- rows$value[rows$group == groups[2]]
  }
  if (min(length(first), length(second)) < 3) return(NULL)
  test <- try(t.test(second, first, paired = paired), silent = TRUE)
  if (inherits(test, "try-error")) return(NULL)
  ranks <- suppressWarnings(wilcox.test(second, first, paired = paired))
  data.frame(measure = rows$measure[1], n_first = length(first), n_second = length(second),
             mean_first = mean(first), mean_second = mean(second), difference = mean(second) - mean(first),
             ci95_low = test$conf.int[1], ci95_high = test$conf.int[2], p = test$p.value, p_rank = ranks$p.value)
}

result <- do.call(rbind, lapply(split(means, means$measure), one))
result$p_holm <- p.adjust(result$p, "holm")
result$p_rank_holm <- p.adjust(result$p_rank, "holm")
print(result, row.names = FALSE, digits = 4)
# boxplot(value ~ group, data = means[means$measure == "width/mean/all/fov", ])
